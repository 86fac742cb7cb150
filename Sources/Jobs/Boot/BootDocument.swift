public import ColdStart
public import Linux
public import OCI

extension StartMeasurement {
    /// Returns the document of `thaw boot --format json`.
    ///
    /// - Parameter console: The path that the console was written to; nil if it was not written.
    public func document(image: Image, name: String, console: String? = nil) -> JSON {
        var json = document(digest: image.descriptor.digest, name: name, console: console)
        json["image"]?["compressedSize"] = .integer(image.compressedSize)
        return json
    }

    func document(digest: Digest, name: String, console: String?) -> JSON {
        var json = JSON.document(
            "boot",
            [
                "engine": .string(engine), "accelerated": .bool(isAccelerated), "probe": .string("\(probe)"),
                "runs": .integer(Int64(runs)),
                "image": .object(["reference": .string(name), "digest": .string("\(digest)")]),
                "phases": .array(phases.map(\.document)), "timeToFirstRequestMs": timeToFirstRequest.document,
            ])
        json["accelerationNote"] = accelerationNote.map(JSON.string)
        json["kernel"] = kernelRelease.map { release in
            .object(["release": .string(release)].merging(kernelRemark.map { ["remark": .string($0)] } ?? [:]) { $1 })
        }
        json["fingerprint"] = .members(
            Dictionary(fingerprint.members.map { ($0.name, JSON.string($0.value)) }) { first, _ in first })
        json["findings"] = .array(
            findings.map { .object(["id": .string($0.id), "message": .string($0.message)]) })
        if !notes.isEmpty { json["notes"] = .array(notes.map(JSON.string)) }
        json["emulator"] = emulator.map(JSON.string)
        json["exits"] = exits.map { .integer(Int64($0.median)) }
        json["vmmOverheadBytes"] = overheadBytes.map { .integer(Int64($0)) }
        json["diskReads"] = diskReads.map { .integer(Int64($0.median)) }
        json["diskBytesRead"] = diskBytesRead.map { .integer(Int64($0.median)) }
        json["console"] = console.map(JSON.string)
        json["pageFaults"] = pageFaults.map { .integer(Int64($0.median)) }
        json["peakGuestMemoryBytes"] = peakGuestMemoryBytes.map { .integer(Int64($0)) }
        if let work {
            json["work"] = work.document
            json["waitingMs"] = work.waitingDocument
            json["guestInstructions"] = .object([
                "median": .integer(Int64(work.instructions.median)), "spread": .number(work.instructions.spread),
            ])
        }
        json["terminationMs"] = terminationMilliseconds.map(JSON.number)
        json["hostProbe"] = hostProbe.map(\.document)
        json["response"] = response.map { response in
            .object(["status": .integer(Int64(response.status)), "bytes": .integer(Int64(response.byteCount))])
        }
        return json
    }
}

extension Phase {
    fileprivate var document: JSON {
        var json = JSON.object([
            "name": .string(name.rawValue), "medianMs": .number(milliseconds.median),
            "samplesMs": .array(milliseconds.samples.map(JSON.number)),
        ])
        json["medianRunMs"] = medianRunMilliseconds.map(JSON.number)
        json["p95Ms"] = milliseconds.p95.map(JSON.number)
        return json
    }
}

extension WorkSummary {
    fileprivate var document: JSON {
        let phases = phases.map { ($0.name.rawValue, JSON.integer(Int64($0.instructions.median))) }
        var json = JSON.object([
            "instructions": .integer(Int64(instructions.median)), "spread": .number(instructions.spread),
            "byPhase": .members(Dictionary(uniqueKeysWithValues: phases)),
        ])
        json["program"] = programInstructions.map { .integer(Int64($0)) }
        return json
    }

    fileprivate var waitingDocument: JSON {
        let phases = zip(phases, phaseWaiting).map { ($0.name.rawValue, JSON.number($1.median)) }
        return .object([
            "median": .number(waiting.median), "byPhase": .members(Dictionary(uniqueKeysWithValues: phases)),
        ])
    }
}

extension HostProbeSummary {
    fileprivate var document: JSON {
        switch self {
        case .failed(let reason): .object(["failure": .string(reason)])
        case .answered(let firstByte, let request, let status):
            .object([
                "firstByteMs": firstByte.document, "requestMs": request.document, "status": .integer(Int64(status)),
            ])
        }
    }
}

extension Statistics {
    fileprivate var document: JSON {
        var json = JSON.object([
            "median": .number(median), "min": .number(minimum), "max": .number(maximum),
            "samples": .array(samples.map(JSON.number)),
        ])
        json["p95"] = p95.map(JSON.number)
        return json
    }
}
