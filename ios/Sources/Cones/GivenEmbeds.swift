import ConesGenerated
import Foundation

extension PromptEmbeds {
    /// What a text encoder made of one prompt: `numbers` are tokens × width, row-major, `pooled` is the prompt as a whole, empty where
    /// ``BundleInfo/pooledSize`` is 0.
    public init(_ numbers: [Float], pooled: [Float] = []) {
        self.init(promptEmbeds: numbers.bytes, pooledPromptEmbeds: pooled.bytes)
    }
}

extension [Float] {
    /// Four bytes each, the lowest first.
    fileprivate var bytes: Data {
        map(\.bitPattern.littleEndian).withUnsafeBufferPointer { Data(buffer: $0) }
    }
}
