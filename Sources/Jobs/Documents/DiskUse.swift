internal import Glibc
public import Linux
public import OCI
internal import SystemPackage

extension Usage {
    private var rows: [(key: String, title: String, share: Share)] {
        [
            ("images", "images", images), ("layers", "  layers of these", layers), ("steps", "build steps", steps),
            ("unpackedLayers", "unpacked layers", unpacked), ("indexes", "remembered facts", indexes),
            ("cacheMounts", "cache mounts", mounts), ("unneeded", "needed by nothing", unneeded),
        ]
    }

    /// The text of `thaw df --format text`.
    public var text: String {
        func line(_ title: String, count: String, bytes: Int64) -> String {
            let size = "\(ByteCount(bytes))"
            return title + String(repeating: " ", count: max(1, 26 - title.count - count.count)) + count
                + String(repeating: " ", count: max(1, 12 - size.count)) + size
        }
        let lines = rows.map { line($0.title, count: "\($0.share.count)", bytes: $0.share.bytes) }
        return (lines + [line("total", count: "", bytes: total)]).joined(separator: "\n")
    }

    /// The document of `thaw df --format json`.
    public var document: JSON {
        var json = JSON.document("diskUse", ["totalBytes": .integer(total)])
        for (key, _, share) in rows {
            json[key] = .object(["count": .integer(Int64(share.count)), "bytes": .integer(share.bytes)])
        }
        if !unreadable.isEmpty { json["unreadable"] = .strings(unreadable.map(\.string)) }
        return json
    }
}

extension Store.CollectionLimits {
    /// Parses the options of `thaw prune`, such as `10GB` and `7d`.
    public init(keepingBytes bytes: String?, olderThan age: String?) throws {
        self.init()
        if let bytes {
            guard let count = ByteCount(bytes) else {
                throw Failure("--keep-bytes '\(bytes)' is not a size such as 10GB or 512MiB", status: .usage)
            }
            self.bytes = count.bytes
        }
        if let age {
            guard let time = Duration(human: age) else {
                throw Failure("--older-than '\(age)' is not a time such as 36h, 7d or 1h30m", status: .usage)
            }
            usedSince = Int64(Glibc.time(nil)) - time.components.seconds
        }
    }
}
