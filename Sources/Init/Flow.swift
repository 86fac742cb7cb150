/// One way of a proxied connection: what came from its source and its target has not taken yet.
///
/// It is filled only when it is empty, so it never holds more than one piece.
struct Flow: Equatable {
    /// The longest piece that is worth reading at once.
    static let pieceLength = 16_384

    private enum Source {
        case open
        /// It sends no more, and the target does not know that yet.
        case ended
        /// There is nothing more to do.
        case over
    }

    private var source = Source.open
    private var piece: [UInt8] = []
    private var position = 0

    /// What the target is to take next.
    var pending: ArraySlice<UInt8> { piece[position...] }
    /// Whether there is something for the target.
    var hasPending: Bool { position < piece.count }
    /// Whether more may be read from the source.
    var wantsMore: Bool { source == .open && !hasPending }
    /// Whether the source has sent all that it will.
    var hasEnded: Bool { source != .open }
    /// Whether all was passed on, and the end too.
    var isOver: Bool { source == .over }

    /// Takes what the source has sent; nothing at all is its end.
    mutating func receive(_ bytes: [UInt8]) {
        guard wantsMore else { return }
        if bytes.isEmpty { source = .ended }
        (piece, position) = (bytes, 0)
    }

    /// The target has taken so many of the pending bytes.
    mutating func drop(_ count: Int) {
        position = min(piece.count, position + max(0, count))
        if !hasPending { (piece, position) = ([], 0) }
    }

    /// Whether the target is to be told now that no more comes; once.
    mutating func takeEnd() -> Bool {
        guard source == .ended, !hasPending else { return false }
        source = .over
        return true
    }

    /// The target takes no more, so that nothing matters any longer.
    mutating func abandon() {
        (source, piece, position) = (.over, [], 0)
    }
}

/// Both ways of a proxied connection, and what its two ends are to be watched for.
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

    /// Whether an end is to be watched, and what for.
    ///
    /// An end that sends no more and for which nothing is there is only watched for going away altogether.
    func interest(in end: End) -> (reading: Bool, writing: Bool, leaving: Bool) {
        let (from, to) = end == .host ? (up, down) : (down, up)
        return (from.wantsMore, to.hasPending, from.hasEnded && !to.hasPending && !to.isOver)
    }
}
