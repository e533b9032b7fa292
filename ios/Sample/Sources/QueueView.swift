import Cones
import SwiftUI

/// What waits, what is drawn and what is over.
struct QueueView: View {
    @ObservedObject var studio: Studio

    var body: some View {
        NavigationStack {
            List {
                ForEach(studio.line.filter { $0.state == .drawing }) { entry in row(entry) }
                Section("Waits") {
                    ForEach(waiting) { entry in row(entry) }
                        .onMove(perform: move)
                }
                Section("Over") {
                    ForEach(studio.line.filter(\.isOver).reversed()) { entry in row(entry) }
                }
            }
            .overlay {
                if studio.line.isEmpty { Text("Nothing waits.").foregroundStyle(.secondary) }
            }
            .navigationTitle(studio.isPaused ? "Queue (paused)" : "Queue")
            .toolbar {
                ToolbarItem(placement: .primaryAction) {
                    Button(studio.isPaused ? "Go on" : "Pause") {
                        studio.change { try studio.isPaused ? $0.resume() : $0.pause() }
                    }
                    .disabled(!studio.canDraw)
                }
                ToolbarItem(placement: .cancellationAction) { EditButton() }
            }
            .alert($studio.trouble)
        }
    }

    private var waiting: [QueueEntry] { studio.line.filter { $0.state == .waiting } }

    private func row(_ entry: QueueEntry) -> some View {
        VStack(alignment: .leading) {
            Text(entry.prompt).lineLimit(2)
            if let progress = entry.progress { ProgressView(value: share(progress)) }
            Text(words(entry)).font(.caption).foregroundStyle(.secondary)
        }
        .swipeActions {
            if !entry.isOver {
                Button("Stop") { studio.change { try $0.cancel(entry.id) } }.tint(.orange)
            }
            if entry.state != .drawing {
                Button("Remove", role: .destructive) { studio.change { try $0.remove(entry.id) } }
            }
        }
    }

    /// SwiftUI names the gap that the rows are put into, counted before they are taken out.
    private func move(_ from: IndexSet, to gap: Int) {
        guard let index = from.first else { return }
        let (id, place) = (waiting[index].id, gap > index ? gap - 1 : gap)
        studio.change { try $0.move(id, to: place) }
    }
}
