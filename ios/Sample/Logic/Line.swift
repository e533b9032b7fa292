import Cones

// Neither SwiftUI nor UIKit in here: what the screen says of a queue.

/// How far a request is, for a person.
func words(_ entry: QueueEntry) -> String {
    switch entry.state {
    case .waiting: return entry.pictures > 1 ? "Waits, \(entry.pictures) pictures" : "Waits"
    case .drawing: return entry.progress.map(words) ?? "Begins"
    case .done:
        return (["Done"] + notShown(entry) + entry.warnings).joined(separator: "\n")
    case .refused: return "Not shown: found not safe"
    case .failed: return entry.failure.map { "\($0.reason) \($0.hint)" } ?? "It could not be drawn"
    case .cancelled:
        return entry.drawn > 0 ? "Cancelled behind \(entry.drawn) of \(entry.pictures)" : "Cancelled"
    }
}

/// Where a request is that is being drawn.
func words(_ progress: GenerateProgress) -> String {
    switch progress.stage {
    case .preparing: return "Loading"
    case .decoding: return "Decoding"
    case .finished: return "Done"
    case .denoising:
        let step = "Step \(progress.step) of \(progress.steps)"
        return progress.pictures > 1 ? "Picture \(progress.picture + 1) of \(progress.pictures), \(step)" : step
    }
}

/// How far a whole request is, 0 to 1.
func share(_ progress: GenerateProgress) -> Double {
    let steps = Double(max(progress.steps, 1))
    let done = Double(progress.picture) * steps + Double(progress.step)
    return min(done / (Double(max(progress.pictures, 1)) * steps), 1)
}

private func notShown(_ entry: QueueEntry) -> [String] {
    entry.refused.isEmpty ? [] : ["\(entry.refused.count) not shown: found not safe"]
}
