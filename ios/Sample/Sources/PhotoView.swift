import Cones
import ImageIO
import PhotosUI
import SwiftUI

/// A photo, drawn over: as a whole by the slider, or where a finger painted.
struct PhotoView: View {
    @ObservedObject var studio: Studio
    @State private var item: PhotosPickerItem?
    /// The brush's width as a share of the photo's longer side.
    @State private var brush = 0.1
    @State private var rubs = false

    var body: some View {
        NavigationStack {
            Form {
                Section { choosing }
                if let photo = studio.photo {
                    Section {
                        MaskCanvas(photo: photo.image, mask: $studio.mask, radius: radius(photo.image), rubs: rubs)
                            .frame(maxWidth: .infinity, minHeight: 280, maxHeight: 360)
                        LabeledContent("Brush") { Slider(value: $brush, in: 0.01...0.3) }
                        HStack {
                            Toggle("Rub out", isOn: $rubs).toggleStyle(.button)
                            Spacer()
                            Button("Undo") { studio.mask.undo() }
                            Button("Clear", role: .destructive) { studio.mask.clear() }
                        }
                        .buttonStyle(.bordered)
                        .disabled(studio.mask.strokes.isEmpty && !rubs)
                    } footer: {
                        Text("Paint what is to be drawn anew. With nothing painted all of it is.")
                    }
                    Section {
                        TextField("What to draw there", text: $studio.prompt, axis: .vertical)
                        LabeledContent("Strength \(Int((100 * studio.strength).rounded())) %") {
                            Slider(value: $studio.strength, in: 0...1)
                        }
                        // Drawn anew while the slider moves: each place of it takes the turn of the one before.
                        .onChange(of: studio.strength) { _ in studio.redrawOver() }
                    }
                    Section { Drawn(studio: studio) }
                }
            }
            .navigationTitle("Photo")
            .toolbar {
                ToolbarItem(placement: .primaryAction) {
                    Button("Draw over", action: studio.drawOver)
                        .disabled(!studio.canDraw || studio.photo == nil)
                }
            }
            .onChange(of: item) { item in load(item) }
            .alert($studio.trouble)
        }
    }

    @ViewBuilder private var choosing: some View {
        PhotosPicker("Choose a photo", selection: $item, matching: .images)
        if let shown = studio.shown {
            Button("Take the last picture") { studio.take(shown) }
        }
    }

    private func radius(_ image: CGImage) -> Double {
        brush * Double(max(image.width, image.height)) / 2
    }

    private func load(_ item: PhotosPickerItem?) {
        guard let item else { return }
        Task {
            do {
                guard let data = try await item.loadTransferable(type: Data.self), let image = Self.upright(data) else {
                    throw CocoaError(.fileReadCorruptFile)
                }
                studio.take(image)
            } catch {
                studio.trouble = Trouble(error)
            }
        }
    }

    /// As its camera was held, and no larger than a screen shows.
    private static func upright(_ data: Data) -> CGImage? {
        let options: [CFString: Any] = [
            kCGImageSourceCreateThumbnailFromImageAlways: true,
            kCGImageSourceCreateThumbnailWithTransform: true,
            kCGImageSourceThumbnailMaxPixelSize: 1024,
        ]
        return CGImageSourceCreateWithData(data as CFData, nil)
            .flatMap { CGImageSourceCreateThumbnailAtIndex($0, 0, options as CFDictionary) }
    }
}

/// A photo that a finger paints on: what is painted is drawn anew.
struct MaskCanvas: View {
    let photo: CGImage
    @Binding var mask: Mask
    /// Half of the brush's width, in pixels of the photo.
    let radius: Double
    let rubs: Bool

    var body: some View {
        GeometryReader { space in
            let fit = Fit(
                view: (Double(space.size.width), Double(space.size.height)), picture: (photo.width, photo.height))
            Canvas { context, _ in draw(&context, fit) }
                .contentShape(Rectangle())
                .gesture(
                    DragGesture(minimumDistance: 0)
                        .onChanged { touch in
                            let spot = fit.spot(x: touch.location.x, y: touch.location.y)
                            mask.paint(at: spot, radius: radius, erases: rubs)
                        }
                        .onEnded { _ in mask.end() }
                )
        }
        .accessibilityLabel("The photo. Paint with a finger what is to be drawn anew.")
    }

    private func draw(_ context: inout GraphicsContext, _ fit: Fit) {
        context.translateBy(x: fit.left, y: fit.top)
        context.scaleBy(x: fit.scale, y: fit.scale)
        let whole = CGRect(x: 0, y: 0, width: photo.width, height: photo.height)
        context.draw(Image(decorative: photo, scale: 1), in: whole)
        context.clip(to: Path(whole))
        // A layer of its own: what is rubbed out shows the photo, and strokes that cross are no darker.
        context.opacity = 0.5
        context.drawLayer { layer in
            for stroke in mask.strokes {
                layer.blendMode = stroke.erases ? .clear : .normal
                let style = StrokeStyle(lineWidth: 2 * stroke.radius, lineCap: .round, lineJoin: .round)
                layer.stroke(path(stroke), with: .color(.red), style: style)
            }
        }
    }

    private func path(_ stroke: Stroke) -> Path {
        Path { path in
            let points = stroke.spots.map { CGPoint(x: $0.x, y: $0.y) }
            path.move(to: points[0])
            // A touch that does not move is a dot, which a line of no length with round ends is.
            for point in points.count == 1 ? points[...] : points.dropFirst() { path.addLine(to: point) }
        }
    }
}

/// The last preview or picture, and how far the drawing is.
struct Drawn: View {
    @ObservedObject var studio: Studio

    var body: some View {
        if let shown = studio.shown {
            Image(decorative: shown, scale: 1)
                .resizable()
                .scaledToFit()
                .frame(maxWidth: .infinity, maxHeight: 360)
                .accessibilityLabel(studio.isDrawing ? "Preview" : "The picture that was drawn")
        }
        if let progress = studio.drawing?.progress {
            ProgressView(value: share(progress)) { Text(words(progress)) }
        }
        ForEach(studio.warnings, id: \.self) { warning in
            Label(warning, systemImage: "info.circle")
        }
    }
}
