import Cones
import CoreGraphics
import Foundation
import SwiftUI

/// What is asked for, and the queue of what is drawn.
@MainActor
final class Studio: ObservableObject {
    @Published var prompt = "a dog on grass"
    @Published var negativePrompt = ""
    /// Strength of each subject that is on, by name.
    @Published var subjects: [String: Float] = [:]
    /// Where subjects are to be, by name.
    @Published var boxes: [String: Box] = [:]
    /// 0 stands for what the base model says.
    @Published var steps = 0
    @Published var seed: UInt64 = 1
    @Published var newSeedEachTime = true

    /// A photo that is drawn over, what a finger painted on it, and how much of it is drawn anew.
    @Published private(set) var photo: Photo?
    @Published var mask = Mask(width: 0, height: 0)
    @Published var strength: Float = 0.6

    /// How the engine runs; a change opens the base model anew.
    @Published var choices = Choices()

    /// What the open base model says of itself; `nil` until one is open.
    @Published private(set) var info: BundleInfo?
    @Published private(set) var entries: [QueueEntry] = []
    @Published private(set) var isPaused = false
    /// The last preview or picture.
    @Published private(set) var shown: CGImage?
    @Published private(set) var warnings: [String] = []
    @Published var trouble: Trouble?

    /// What a person says of how the engine runs.
    struct Choices: Hashable {
        var memory = MemoryMode.auto
        /// `nil` blurs where the base model brings a classifier.
        var safety: SafetyPolicy?
    }

    /// A photo, for the screen and for the library.
    struct Photo {
        let image: CGImage
        let picture: Picture
    }

    private let packs: PackStore
    private let cache: URL
    private let gallery: Gallery
    private var engine: Engine?
    private var queue: Queue?
    private var live: Live?
    private var watching: Task<Void, Never>?
    private var background: BackgroundTime?
    /// Requests whose end was told.
    private var ended: Set<UInt64> = []

    init(packs: PackStore, cache: URL, gallery: Gallery) {
        self.packs = packs
        self.cache = cache
        self.gallery = gallery
    }

    /// Opens a base model in place of the one that is open; what its queue holds is cancelled.
    func use(_ model: Model) async {
        watching?.cancel()
        try? queue?.stop()
        (engine, queue, live, info) = (nil, nil, nil, nil)
        (entries, isPaused, ended) = ([], false, [])
        do {
            // CoreML where it works, else the CPU; the log says which.
            let options = Engine.Options(
                provider: .auto, memory: choices.memory, cache: cache, safety: choices.safety)
            let engine = try await Engine(bundle: model.folder, packs: packs, options: options)
            // Another base model may have been chosen in the meantime.
            try Task.checkCancellation()
            let queue = try engine.queue()
            (self.engine, self.queue, live, info) = (engine, queue, Live(queue), engine.info)
            watch(queue)
        } catch is CancellationError {
            // Who chose it opens it.
        } catch {
            trouble = Trouble(error)
        }
    }

    /// Whether `draw` would do something.
    var canDraw: Bool { queue != nil }

    /// Whether anything waits or is being drawn.
    var isDrawing: Bool { entries.contains { !$0.isOver } }

    /// What is being drawn.
    var drawing: QueueEntry? { entries.first { $0.state == .drawing } }

    /// What the queue's page shows: all but what follows the slider.
    var line: [QueueEntry] { entries.filter { live?.ids.contains($0.id) != true } }

    /// Puts what is asked for behind all that waits.
    func draw() {
        add(request(newSeed: newSeedEachTime))
    }

    /// The photo, drawn over: where it is painted, or all of it.
    func drawOver() {
        attempt {
            if let request = try over(request(newSeed: newSeedEachTime)) { add(request) }
        }
    }

    /// What is asked for, shown and not kept, in the place of what was asked so before: for a slider that moves. One seed for its whole
    /// way: what changes is the strength alone.
    func redraw() {
        attempt { try live?.ask(request(newSeed: false)) }
    }

    /// The same with the photo, drawn over.
    func redrawOver() {
        attempt {
            if let request = try over(request(newSeed: false)) { try live?.ask(request) }
        }
    }

    /// Takes a photo to draw over.
    func take(_ image: CGImage) {
        attempt {
            photo = Photo(image: image, picture: try Picture(image))
            mask = Mask(width: image.width, height: image.height)
        }
    }

    /// Takes everything from a recipe that can be set here.
    func take(_ recipe: Recipe) {
        guard let request = recipe.request else { return }
        (prompt, negativePrompt) = (request.prompt, request.negativePrompt)
        subjects = Dictionary(request.subjects.map { ($0.name, $0.strength) }) { first, _ in first }
        let placed = subjects.keys.compactMap { name in
            recipe.boxes.first { $0.words == "{\(name)}" }
                .map { (name, Box(left: $0.left, top: $0.top, right: $0.right, bottom: $0.bottom)) }
        }
        boxes = Dictionary(uniqueKeysWithValues: placed)
        (steps, seed, newSeedEachTime) = (request.steps ?? 0, request.seed, false)
    }

    /// Stops what is being drawn.
    func cancel() {
        if let drawing { change { try $0.cancel(drawing.id) } }
    }

    /// Changes the queue, as its page asks.
    func change(_ change: (Queue) throws -> Void) {
        attempt {
            do {
                if let queue { try change(queue) }
            } catch let error as ConesError where error.kind == .notFound {
                // It has gone since the person saw it.
            }
        }
    }

    private func request(newSeed: Bool) -> Request {
        if newSeed { seed = UInt64.random(in: 1...UInt64(UInt32.max)) }
        var request = Request(prompt, negativePrompt: negativePrompt, seed: seed, previewEvery: 1)
        request.subjects = subjects.sorted { $0.key < $1.key }.map { SubjectChoice($0.key, strength: $0.value) }
        request.boxes = boxes.filter { subjects[$0.key] != nil }.sorted { $0.key < $1.key }.map { name, box in
            WordBox(words: "{\(name)}", left: box.left, top: box.top, right: box.right, bottom: box.bottom)
        }
        if steps > 0 { request.steps = steps }
        return request
    }

    private func over(_ request: Request) throws -> Request? {
        guard let photo else { return nil }
        var request = request
        request.start = StartPicture(photo.picture, strength: strength)
        // They are of pictures from noise.
        request.boxes = []
        if !mask.isEmpty {
            let image = try Picture(width: mask.width, height: mask.height, rgba: mask.rgba())
            // What is painted over is drawn with a little of what is around it, and pasted back without a seam: the soft edge
            // lies outside of what was painted, or a thin line would vanish in it.
            request.start?.inpaint = InpaintRegion(image, grow: 4, feather: 4, paddingMaskCrop: 32)
        }
        return request
    }

    private func add(_ request: Request) {
        attempt {
            try live?.drop()
            try queue?.add(request)
            warnings = []
            if background == nil {
                background = BackgroundTime(name: "Drawing") { [weak self] in self?.cancelAll() }
            }
        }
    }

    /// The system's time for an app that was left is over.
    private func cancelAll() {
        for entry in entries where !entry.isOver { change { try $0.cancel(entry.id) } }
    }

    private func watch(_ queue: Queue) {
        watching = Task { [weak self] in
            for await list in queue.lists {
                guard let self, !Task.isCancelled else { return }
                self.show(list, of: queue)
            }
        }
    }

    private func show(_ list: QueueList, of queue: Queue) {
        (entries, isPaused) = (list.entries, list.paused)
        if let preview = drawing?.progress?.preview { shown = preview.cgImage() }
        for entry in list.entries {
            attempt {
                if entry.ready > 0 { try keep(try queue.take(entry.id), of: entry) }
                if entry.isOver, ended.insert(entry.id).inserted { try end(entry) }
            }
        }
        if !isDrawing {
            background?.end()
            background = nil
        }
    }

    /// As they come: they stand whatever becomes of the next.
    private func keep(_ pictures: [Picture], of entry: QueueEntry) throws {
        shown = pictures.last?.cgImage() ?? shown
        let blurred = pictures.filter { $0.verdict?.treatment == .blurred }.count
        if blurred > 0 { warnings.append("\(blurred) blurred: found not safe") }
        if live?.ids.contains(entry.id) != true { try gallery.keep(pictures) }
    }

    private func end(_ entry: QueueEntry) throws {
        warnings += entry.warnings
        if !entry.refused.isEmpty {
            shown = nil
            warnings.append("\(entry.refused.count) not shown: found not safe")
        }
        if let failure = entry.failure { trouble = Trouble(failure) }
        // What followed the slider leaves no line behind.
        if live?.ids.contains(entry.id) == true { try live?.forget(entry.id) }
    }

    private func attempt(_ work: () throws -> Void) {
        do {
            try work()
        } catch {
            trouble = Trouble(error)
        }
    }
}
