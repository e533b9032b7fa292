import Foundation

// Neither SwiftUI nor UIKit in here: a box is four numbers, and is tested as such.

/// A part of the picture where a subject is to be, in shares of its width and height.
struct Box: Hashable, Sendable {
    var left: Float
    var top: Float
    var right: Float
    var bottom: Float

    init(left: Float, top: Float, right: Float, bottom: Float) {
        (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
    }

    /// Between two corners, in pixels of a picture of this size, of which one may lie outside; `nil` where it was but a touch.
    init?(between one: Spot, and other: Spot, width: Int, height: Int) {
        func share(_ value: Double, of side: Int) -> Float { Float(min(max(value / Double(max(side, 1)), 0), 1)) }
        self.init(
            left: share(min(one.x, other.x), of: width), top: share(min(one.y, other.y), of: height),
            right: share(max(one.x, other.x), of: width), bottom: share(max(one.y, other.y), of: height))
        if right - left < Self.least || bottom - top < Self.least { return nil }
    }

    /// What is smaller was a touch.
    private static let least: Float = 0.05
}
