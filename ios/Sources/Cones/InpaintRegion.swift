import ConesGenerated

/// The region of the start picture that is drawn anew (inpainting), and strips around it (outpainting). All else keeps its bytes.
public struct InpaintRegion: Sendable {
    /// Of any size, stretched over the start picture: white is redrawn, black is kept, grey is blended. Paint it on opaque
    /// black: transparent parts of a picture count as white. May be `nil` where `outpaint` says what is drawn.
    public var maskImage: Picture?
    /// How many pixels of the start picture the white part grows to each side, up to 1024.
    public var grow: Int
    /// How soft its edge becomes: the radius of a blur in pixels of the start picture, up to 1024.
    public var feather: Int
    /// Draws only what is masked, with so many pixels around it, at the full size of the request, and pastes it back; what
    /// comes out has the start picture's size. 32 by custom. `nil` draws the whole picture at the size of the request.
    public var paddingMaskCrop: Int?
    /// Strips that are added around the start picture and drawn.
    public var outpaint: Margins?

    /// A region by a picture of it, by strips around, or both.
    public init(
        _ maskImage: Picture? = nil,
        grow: Int = 0,
        feather: Int = 0,
        paddingMaskCrop: Int? = nil,
        outpaint: Margins? = nil
    ) {
        self.maskImage = maskImage
        self.grow = grow
        self.feather = feather
        self.paddingMaskCrop = paddingMaskCrop
        self.outpaint = outpaint
    }

    /// Pixels that are added to each side of a picture.
    public struct Margins: Sendable, Hashable {
        /// On the left.
        public var left: Int
        /// Above.
        public var top: Int
        /// On the right.
        public var right: Int
        /// Below.
        public var bottom: Int

        /// Strips; none where nothing is given.
        public init(left: Int = 0, top: Int = 0, right: Int = 0, bottom: Int = 0) {
            self.left = left
            self.top = top
            self.right = right
            self.bottom = bottom
        }
    }
}

extension InpaintRegion {
    var generated: ConesGenerated.Inpaint {
        ConesGenerated.Inpaint(
            maskImage: maskImage?.inner,
            grow: outside(grow),
            feather: outside(feather),
            paddingMaskCrop: paddingMaskCrop.map(outside),
            outpaint: outpaint.map {
                ConesGenerated.Margins(
                    left: outside($0.left), top: outside($0.top), right: outside($0.right), bottom: outside($0.bottom))
            }
        )
    }

    /// 0 is a good number here, so what is negative becomes the largest: the library refuses that.
    private func outside(_ pixels: Int) -> UInt32 {
        pixels < 0 ? .max : UInt32(clamping: pixels)
    }
}
