import ConesGenerated

extension WordBox {
    /// A part of the picture for each of these words, so that all of them are in it and none is mixed with another: two side by side,
    /// three and four in quarters, and so on, row by row from the upper left. One alone gets no box.
    public static func apart(_ words: [String]) -> [WordBox] {
        boxesApart(words: words)
    }
}
