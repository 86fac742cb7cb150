import Probe

/// Makes the digest of a text.
func stream(_ text: String) -> StreamDigest {
    var hasher = StreamHasher()
    hasher.receive(Array(text.utf8)[...])
    return hasher.stream
}
