import Cones
import CoreGraphics
import Foundation
import SwiftUI

/// What is asked for, and the drawing that is under way.
@MainActor
final class Studio: ObservableObject {
    @Published var prompt = "a dog on grass"
    @Published var negativePrompt = ""
    /// Strength of each subject that is on, by name.
    @Published var subjects: [String: Float] = [:]
    /// 0 stands for what the base model says.
    @Published var steps = 0
    @Published var seed: UInt64 = 1
    @Published var newSeedEachTime = true

    /// What the open base model says of itself; `nil` until one is open.
    @Published private(set) var info: BundleInfo?
    @Published private(set) var progress: GenerateProgress?
    /// The last preview or picture.
    @Published private(set) var shown: CGImage?
    @Published private(set) var warnings: [String] = []
    @Published private(set) var isDrawing = false
    @Published var trouble: Trouble?

    private let packs: PackStore
    private let cache: URL
    private let gallery: Gallery
    private var engine: Engine?
    private var task: Task<Void, Never>?
    /// Pictures of the drawing under way that were found not safe.
    private var blurred = 0

    init(packs: PackStore, cache: URL, gallery: Gallery) {
        self.packs = packs
        self.cache = cache
        self.gallery = gallery
    }

    /// Opens a base model in place of the one that is open.
    func use(_ model: Model) async {
        task?.cancel()
        await task?.value
        (engine, info) = (nil, nil)
        do {
            // CoreML where it works, else the CPU; the log says which.
            let options = Engine.Options(provider: .auto, cache: cache)
            let engine = try await Engine(bundle: model.folder, packs: packs, options: options)
            // Another base model may have been chosen in the meantime.
            try Task.checkCancellation()
            (self.engine, info) = (engine, engine.info)
        } catch is CancellationError {
            // Who chose it opens it.
        } catch {
            trouble = Trouble(error)
        }
    }

    /// Whether `draw` would do something.
    var canDraw: Bool { engine != nil && !isDrawing }

    func draw() {
        guard let engine, !isDrawing else { return }
        if newSeedEachTime { seed = UInt64.random(in: 1...UInt64(UInt32.max)) }
        var request = Request(prompt, negativePrompt: negativePrompt, seed: seed, previewEvery: 1)
        request.subjects = subjects.sorted { $0.key < $1.key }.map { SubjectChoice($0.key, strength: $0.value) }
        if steps > 0 { request.steps = steps }
        start(request, on: engine)
    }

    /// Takes everything from a recipe that can be set here.
    func take(_ recipe: Recipe) {
        guard let request = recipe.request else { return }
        (prompt, negativePrompt) = (request.prompt, request.negativePrompt)
        subjects = Dictionary(request.subjects.map { ($0.name, $0.strength) }) { first, _ in first }
        (steps, seed, newSeedEachTime) = (request.steps ?? 0, request.seed, false)
    }

    func cancel() {
        task?.cancel()
    }

    private func start(_ request: Request, on engine: Engine) {
        (isDrawing, progress, warnings, blurred) = (true, nil, [], 0)
        let background = BackgroundTime(name: "Drawing") { [weak self] in self?.cancel() }
        task = Task {
            defer {
                isDrawing = false
                progress = nil
                background.end()
            }
            do {
                for try await event in engine.events(for: request) { show(event) }
            } catch {
                trouble = Trouble(error)
            }
        }
    }

    private func show(_ event: GenerateEvent) {
        switch event {
        case .progress(let progress):
            self.progress = progress
            if let preview = progress.preview { shown = preview.cgImage() }
        case .picture(_, let picture):
            shown = picture.cgImage()
            if picture.verdict?.treatment == .blurred { blurred += 1 }
            do {
                // As it comes: it stands whatever becomes of the next.
                try gallery.keep([picture])
            } catch {
                trouble = Trouble(error)
            }
        case .finished(let generated):
            warnings = generated.warnings
            if blurred > 0 { warnings.append("\(blurred) blurred: found not safe") }
            if !generated.refused.isEmpty {
                shown = nil
                warnings.append("\(generated.refused.count) not shown: found not safe")
            }
        }
    }
}
