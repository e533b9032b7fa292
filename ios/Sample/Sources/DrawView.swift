import Cones
import SwiftUI

/// Pick subjects, type a prompt, draw.
struct DrawView: View {
    @ObservedObject var studio: Studio
    @ObservedObject var shelf: Shelf
    /// The subject whose place a finger draws.
    @State private var placing: String?

    var body: some View {
        NavigationStack {
            Form {
                Section { Drawn(studio: studio) }
                if let placing, studio.subjects[placing] != nil {
                    Section {
                        BoxCanvas(picture: studio.shown, boxes: $studio.boxes, placing: placing)
                            .frame(maxWidth: .infinity, minHeight: 280, maxHeight: 360)
                        Button("Done") { self.placing = nil }
                    } footer: {
                        Text("Draw where \(placing) is to be. A touch takes that back.")
                    }
                }
                Section("Prompt") {
                    TextField("What to draw", text: $studio.prompt, axis: .vertical)
                    TextField("What to stay away from", text: $studio.negativePrompt, axis: .vertical)
                }
                Section {
                    ForEach(fitting, id: \.sha256) { pack in
                        SubjectRow(pack: pack, strength: $studio.subjects[pack.name]) {
                            studio.prompt += " {\(pack.name)}"
                        } redraw: {
                            studio.redraw()
                        } place: {
                            placing = pack.name
                        }
                    }
                    // On since before it was removed or the base model changed, or by a recipe.
                    ForEach(missing, id: \.self) { name in
                        Button("Switch \(name) off: it is not installed for this base model", role: .destructive) {
                            studio.subjects[name] = nil
                        }
                    }
                } header: {
                    Text("Subjects")
                } footer: {
                    if fitting.isEmpty { Text("None is installed for this base model.") }
                }
                Section("How") {
                    Stepper(value: $studio.steps, in: 0...50, step: 5) {
                        Text(studio.steps == 0 ? "Steps: as the model says" : "Steps: \(studio.steps)")
                    }
                    Toggle("New seed each time", isOn: $studio.newSeedEachTime)
                    Text("Seed \(String(studio.seed))")
                        .foregroundStyle(.secondary)
                }
            }
            .navigationTitle(studio.info?.name ?? "Cones")
            .toolbar {
                ToolbarItemGroup(placement: .primaryAction) { button }
            }
            .alert($studio.trouble)
        }
    }

    private var fitting: [PackInfo] {
        studio.info.map(shelf.fitting) ?? []
    }

    private var missing: [String] {
        let names = Set(fitting.map(\.name))
        return studio.subjects.keys.filter { !names.contains($0) }.sorted()
    }

    @ViewBuilder private var button: some View {
        if studio.drawing != nil {
            Button("Cancel", role: .cancel, action: studio.cancel)
        }
        // Behind what waits already: the queue's page shows it.
        Button("Draw", action: studio.draw)
            .disabled(!studio.canDraw)
    }
}

/// A subject, its switch and how strongly it is on.
struct SubjectRow: View {
    let pack: PackInfo
    /// `nil` when it is off.
    @Binding var strength: Float?
    let insert: @MainActor () -> Void
    let redraw: @MainActor () -> Void
    let place: @MainActor () -> Void

    var body: some View {
        VStack(alignment: .leading) {
            Toggle(isOn: $strength.isOn) {
                Text(pack.name)
                Text("\(pack.trigger), \(pack.neurons) neurons")
                    .font(.caption)
                    .foregroundStyle(.secondary)
            }
            if strength != nil {
                Slider(value: $strength.value, in: 0...1) {
                    Text("Strength")
                }
                // Drawn anew while it moves: each place of it takes the turn of the one before.
                .onChange(of: strength) { _ in redraw() }
                Button("Put {\(pack.name)} into the prompt", action: insert)
                    .buttonStyle(.borderless)
                Button("Say where it is to be", action: place)
                    .buttonStyle(.borderless)
            }
        }
    }
}

extension Float? {
    /// Whether a subject of this strength is on.
    fileprivate var isOn: Bool {
        get { self != nil }
        set { self = newValue ? 1 : nil }
    }

    /// The strength, 0 while the subject is off.
    fileprivate var value: Float {
        get { self ?? 0 }
        set { self = newValue }
    }
}
