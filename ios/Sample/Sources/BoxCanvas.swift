import SwiftUI

/// The picture, on which a finger draws where a subject is to be.
struct BoxCanvas: View {
    let picture: CGImage?
    /// Of subjects by name.
    @Binding var boxes: [String: Box]
    /// The subject that a finger gives a box to.
    let placing: String

    /// Until there is a picture, its place is a square.
    private static let side = 512

    var body: some View {
        GeometryReader { space in
            let fit = Fit(
                view: (Double(space.size.width), Double(space.size.height)), picture: (width, height))
            Canvas { context, _ in draw(&context, fit) }
                .contentShape(Rectangle())
                .gesture(
                    DragGesture(minimumDistance: 0)
                        .onChanged { touch in
                            let from = fit.spot(x: touch.startLocation.x, y: touch.startLocation.y)
                            let to = fit.spot(x: touch.location.x, y: touch.location.y)
                            // A touch takes the box back.
                            boxes[placing] = Box(between: from, and: to, width: width, height: height)
                        }
                )
        }
        .accessibilityLabel("The picture. Draw with a finger where \(placing) is to be.")
    }

    private var width: Int { picture?.width ?? Self.side }
    private var height: Int { picture?.height ?? Self.side }

    private func draw(_ context: inout GraphicsContext, _ fit: Fit) {
        let whole = CGRect(x: fit.left, y: fit.top, width: fit.scale * Double(width), height: fit.scale * Double(height))
        if let picture {
            context.draw(Image(decorative: picture, scale: 1), in: whole)
        } else {
            context.stroke(Path(whole), with: .color(.gray))
        }
        for (name, box) in boxes {
            let corner = CGPoint(
                x: whole.minX + Double(box.left) * whole.width, y: whole.minY + Double(box.top) * whole.height)
            let size = CGSize(
                width: Double(box.right - box.left) * whole.width, height: Double(box.bottom - box.top) * whole.height)
            context.stroke(Path(CGRect(origin: corner, size: size)), with: .color(.red), lineWidth: 2)
            context.draw(Text(name).font(.caption).foregroundColor(.red), at: corner, anchor: .topLeading)
        }
    }
}
