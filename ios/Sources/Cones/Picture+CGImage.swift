#if canImport(CoreGraphics)
import CoreGraphics
import Foundation

extension Picture {
    /// The picture for the screen, in sRGB.
    ///
    /// `nil` only if the system has no memory for it.
    public func cgImage() -> CGImage? {
        image(width: width, height: height, rgba: rgba())
    }

    /// A picture of the system's, for ``StartPicture``; transparent parts become white, other colour spaces sRGB.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badPicture`` if the system cannot draw it.
    public init(_ image: CGImage) throws {
        let (width, height) = (image.width, image.height)
        guard
            let space = CGColorSpace(name: CGColorSpace.sRGB),
            let context = CGContext(
                data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width, space: space,
                bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue)
        else {
            throw ConesError(.badPicture, "the system cannot draw a picture of \(width) × \(height) pixels")
        }
        let whole = CGRect(x: 0, y: 0, width: width, height: height)
        // On white every pixel is opaque, so nothing is multiplied in.
        context.setFillColor(red: 1, green: 1, blue: 1, alpha: 1)
        context.fill(whole)
        context.draw(image, in: whole)
        guard let pixels = context.data else {
            throw ConesError(.badPicture, "the system has no memory for \(width) × \(height) pixels")
        }
        try self.init(width: width, height: height, rgba: Data(bytes: pixels, count: 4 * width * height))
    }
}

extension Preview {
    /// The preview for the screen, in sRGB: one pixel for `BundleInfo.previewScale` pixels along a side.
    public func cgImage() -> CGImage? {
        image(width: Int(width), height: Int(height), rgba: rgba)
    }
}

private func image(width: Int, height: Int, rgba: Data) -> CGImage? {
    guard let space = CGColorSpace(name: CGColorSpace.sRGB), let data = CGDataProvider(data: rgba as CFData) else {
        return nil
    }
    return CGImage(
        width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 32, bytesPerRow: 4 * width, space: space,
        // Every alpha is 255.
        bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.noneSkipLast.rawValue),
        provider: data, decode: nil, shouldInterpolate: true, intent: .defaultIntent)
}
#endif
