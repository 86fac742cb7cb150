/// One direction of a proxied connection: the bytes that its target has not taken yet.
///
/// It is filled only when it is empty, so it never holds more than one piece.
struct Flow: Equatable {
    /// The maximum size of a piece in bytes.
    static let pieceLength = 16_384

    private enum InputState {
        case open
        /// The source has ended, and the target was not notified yet.
        case ended
        /// Nothing is left to do.
        case over
    }

    private var source = InputState.open
    private var piece: [UInt8] = []
    private var position = 0

    /// The bytes to send next.
    var pending: ArraySlice<UInt8> { piece[position...] }
    /// True if there are bytes to send.
    var hasPending: Bool { position < piece.count }
    /// True if more may be read from the source.
    var wantsMore: Bool { source == .open && !hasPending }
    /// True if the source has ended.
    var hasEnded: Bool { source != .open }
    /// True if all bytes and the end were passed on.
    var isOver: Bool { source == .over }

    /// Stores bytes of the source; an empty array is its end.
    mutating func receive(_ bytes: [UInt8]) {
        guard wantsMore else { return }
        if bytes.isEmpty { source = .ended }
        (piece, position) = (bytes, 0)
    }

    /// Removes the bytes that the target has taken.
    mutating func drop(_ count: Int) {
        position = min(piece.count, position + max(0, count))
        if !hasPending { (piece, position) = ([], 0) }
    }

    /// True, once, if the target must be notified of the end now.
    mutating func takeEnd() -> Bool {
        guard source == .ended, !hasPending else { return false }
        source = .over
        return true
    }

    /// Drops everything, because the target takes no more.
    mutating func abandon() {
        (source, piece, position) = (.over, [], 0)
    }
}

/// Both directions of a proxied connection, and the events to watch its two ends for.
struct Flows: Equatable {
    /// An end: the host's, or the port's.
    enum End {
        case host
        case port
    }

    /// From the host to the port.
    var up = Flow()
    /// From the port to the host.
    var down = Flow()

    var isOver: Bool { up.isOver && down.isOver }

    /// Returns the events to watch an end for.
    ///
    /// An end that has ended, and for which no bytes wait, is only watched for a hangup.
    func interest(in end: End) -> (reading: Bool, writing: Bool, leaving: Bool) {
        let (from, to) = end == .host ? (up, down) : (down, up)
        return (from.wantsMore, to.hasPending, from.hasEnded && !to.hasPending && !to.isOver)
    }
}
