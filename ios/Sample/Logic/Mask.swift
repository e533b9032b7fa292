import Foundation

// Neither SwiftUI nor UIKit in here: a mask is numbers, and is tested as such.

/// A point of a picture, in its own pixels.
struct Spot: Hashable, Sendable {
    var x: Double
    var y: Double
}

/// What one touch painted: a line as wide as the brush, in pixels of the picture.
struct Stroke: Hashable, Sendable {
    let radius: Double
    let erases: Bool
    private(set) var spots: [Spot]

    init(from begin: Spot, radius: Double, erases: Bool = false) {
        self.radius = max(radius, 0.5)
        self.erases = erases
        spots = [begin]
    }

    mutating func extend(to spot: Spot) {
        // A finger that rests tells its place again and again.
        if spots.last != spot { spots.append(spot) }
    }

    /// How much of the pixel at this place is painted, 0 to 1: whole inside, and a soft edge of one pixel.
    func coverage(_ x: Double, _ y: Double) -> Double {
        min(max(radius + 0.5 - distance(x, y), 0), 1)
    }

    /// The rows and columns that it may paint anything in, of a picture of this size.
    func reach(width: Int, height: Int) -> (columns: Range<Int>, rows: Range<Int>) {
        func range(_ values: [Double], _ end: Int) -> Range<Int> {
            // Clamped before it is whole: a finger may be anywhere.
            let clamped = { (value: Double) in Int(min(max(value, 0), Double(end))) }
            let low = clamped(((values.min() ?? 0) - radius - 1).rounded(.down))
            return low..<max(low, clamped(((values.max() ?? 0) + radius + 1).rounded(.up)))
        }
        return (range(spots.map(\.x), width), range(spots.map(\.y), height))
    }

    private func distance(_ x: Double, _ y: Double) -> Double {
        if spots.count == 1 { return hypot(x - spots[0].x, y - spots[0].y) }
        return zip(spots, spots.dropFirst()).map { between($0, $1, x, y) }.min() ?? .infinity
    }

    /// From a point to a line between two others, which are not the same.
    private func between(_ a: Spot, _ b: Spot, _ x: Double, _ y: Double) -> Double {
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let along = min(max(((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy), 0), 1)
        return hypot(x - a.x - along * dx, y - a.y - along * dy)
    }
}

/// What a finger painted over a picture: white where it is drawn anew.
struct Mask: Hashable, Sendable {
    let width: Int
    let height: Int
    private(set) var strokes: [Stroke] = []
    private var isOpen = false

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// Whether nothing would be drawn anew.
    var isEmpty: Bool { strokes.allSatisfy(\.erases) }

    /// The finger is here: a stroke begins, or goes on.
    mutating func paint(at spot: Spot, radius: Double, erases: Bool) {
        if isOpen {
            strokes[strokes.count - 1].extend(to: spot)
        } else {
            strokes.append(Stroke(from: spot, radius: radius, erases: erases))
            isOpen = true
        }
    }

    /// The finger has gone.
    mutating func end() {
        isOpen = false
    }

    /// Takes the last stroke back.
    mutating func undo() {
        end()
        _ = strokes.popLast()
    }

    mutating func clear() {
        end()
        strokes = []
    }

    /// One byte for each pixel, row by row: 255 is drawn anew, 0 is kept. Later strokes lie over earlier ones.
    func grey() -> [UInt8] {
        var grey = [UInt8](repeating: 0, count: width * height)
        for stroke in strokes {
            let (columns, rows) = stroke.reach(width: width, height: height)
            for y in rows {
                for x in columns {
                    // The middle of a pixel.
                    let share = UInt8((255 * stroke.coverage(Double(x) + 0.5, Double(y) + 0.5)).rounded())
                    let at = y * width + x
                    grey[at] = stroke.erases ? min(grey[at], 255 - share) : max(grey[at], share)
                }
            }
        }
        return grey
    }

    /// The same as opaque RGBA, as a picture is made of.
    func rgba() -> Data {
        Data(grey().flatMap { [$0, $0, $0, 255] })
    }
}

/// A picture in the middle of a view, as large as fits: from places on the screen to pixels of the picture.
struct Fit: Sendable {
    let scale: Double
    let left: Double
    let top: Double

    init(view: (width: Double, height: Double), picture: (width: Int, height: Int)) {
        let (width, height) = (Double(max(picture.width, 1)), Double(max(picture.height, 1)))
        scale = min(view.width / width, view.height / height)
        left = (view.width - scale * width) / 2
        top = (view.height - scale * height) / 2
    }

    func spot(x: Double, y: Double) -> Spot {
        scale > 0 ? Spot(x: (x - left) / scale, y: (y - top) / scale) : Spot(x: 0, y: 0)
    }
}
