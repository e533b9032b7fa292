import XCTest

@testable import SampleLogic

/// From a finger to a mask.
final class MaskTests: XCTestCase {
    private func area(_ mask: Mask) -> Double { mask.grey().reduce(0) { $0 + Double($1) / 255 } }

    private func mask(_ width: Int, _ height: Int, _ strokes: [([Spot], Double, Bool)]) -> Mask {
        var mask = Mask(width: width, height: height)
        for (spots, radius, erases) in strokes {
            for spot in spots { mask.paint(at: spot, radius: radius, erases: erases) }
            mask.end()
        }
        return mask
    }

    func test_a_touch_is_a_disc_as_wide_as_the_brush() {
        let mask = mask(64, 48, [([Spot(x: 20, y: 24)], 10, false)])
        let grey = mask.grey()
        for y in 0..<48 {
            for x in 0..<64 {
                let distance = hypot(Double(x) + 0.5 - 20, Double(y) + 0.5 - 24)
                let expected = 255 * min(max(10.5 - distance, 0), 1)
                XCTAssertEqual(Double(grey[y * 64 + x]), expected, accuracy: 1)
            }
        }
        XCTAssertEqual(area(mask), Double.pi * 100, accuracy: 1)
    }

    func test_a_line_is_the_same_however_many_places_a_finger_tells() {
        let few = mask(100, 40, [([Spot(x: 10, y: 20), Spot(x: 90, y: 20)], 6, false)])
        let places = (10...90).flatMap { x in [Spot(x: Double(x), y: 20), Spot(x: Double(x), y: 20)] }
        let many = mask(100, 40, [(places, 6, false)])
        for (one, other) in zip(few.grey(), many.grey()) {
            XCTAssertEqual(Double(one), Double(other), accuracy: 1)
        }
        // A rectangle, and a half disc at each end.
        XCTAssertEqual(area(few), 80 * 12 + Double.pi * 36, accuracy: 2)
    }

    func test_what_is_rubbed_out_is_kept_and_what_is_painted_later_lies_above() {
        let middle = [Spot(x: 20, y: 20)]
        let cross = [([Spot(x: 5, y: 20), Spot(x: 35, y: 20)], 4.0, false)]
        let at = { (mask: Mask) in mask.grey()[20 * 40 + 20] }
        XCTAssertEqual(at(mask(40, 40, cross)), 255)
        XCTAssertEqual(at(mask(40, 40, cross + [(middle, 3, true)])), 0)
        XCTAssertEqual(at(mask(40, 40, cross + [(middle, 3, true), (middle, 2, false)])), 255)
    }

    func test_undo_takes_back_stroke_by_stroke_and_clear_all() {
        var mask = mask(16, 16, [([Spot(x: 8, y: 8)], 2, false)])
        let one = mask.grey()
        mask.paint(at: Spot(x: 2, y: 2), radius: 2, erases: false)
        mask.undo()
        XCTAssertEqual(mask.grey(), one)
        mask.clear()
        XCTAssertTrue(mask.isEmpty)
        mask.paint(at: Spot(x: 8, y: 8), radius: 9, erases: true)
        XCTAssertTrue(mask.isEmpty, "there is nothing to draw")
        mask.undo()
        mask.undo()
        XCTAssertEqual(mask.grey(), [UInt8](repeating: 0, count: 256))
    }

    func test_what_is_outside_is_cut_and_a_picture_is_opaque() {
        let far = [Spot(x: -100, y: 4), Spot(x: 200, y: 4)]
        let mask = mask(8, 8, [(far, 2, false), ([Spot(x: 4, y: 1e300)], 3, false)])
        XCTAssertEqual((0..<8).map { mask.grey()[8 * $0 + 3] }, [0, 0, 255, 255, 255, 255, 0, 0])
        let rgba = [UInt8](mask.rgba())
        for (pixel, grey) in mask.grey().enumerated() {
            XCTAssertEqual(Array(rgba[4 * pixel..<4 * pixel + 4]), [grey, grey, grey, 255])
        }
    }

    func test_places_on_the_screen_are_pixels_of_the_picture() {
        let wide = Fit(view: (400, 400), picture: (200, 100))
        XCTAssertEqual(wide.spot(x: 0, y: 100), Spot(x: 0, y: 0))
        XCTAssertEqual(wide.spot(x: 400, y: 300), Spot(x: 200, y: 100))
        let high = Fit(view: (400, 100), picture: (50, 100))
        XCTAssertEqual(high.spot(x: 200, y: 50), Spot(x: 25, y: 50))
        XCTAssertEqual(Fit(view: (0, 0), picture: (50, 100)).spot(x: 7, y: 7), Spot(x: 0, y: 0))
    }
}
