import XCTest

@testable import SampleLogic

/// From a finger to a box.
final class BoxTests: XCTestCase {
    func test_corners_may_be_told_in_any_order_and_lie_outside() {
        let right = Box(left: 0.5, top: 0.25, right: 1, bottom: 1)
        let corners = (Spot(x: 100, y: 20), Spot(x: 230, y: 90))
        XCTAssertEqual(Box(between: corners.0, and: corners.1, width: 200, height: 80), right)
        XCTAssertEqual(Box(between: corners.1, and: corners.0, width: 200, height: 80), right)
    }

    func test_a_touch_is_no_box() {
        XCTAssertNil(Box(between: Spot(x: 10, y: 10), and: Spot(x: 11, y: 60), width: 100, height: 100))
        XCTAssertNil(Box(between: Spot(x: -50, y: 10), and: Spot(x: -10, y: 60), width: 100, height: 100))
    }
}
