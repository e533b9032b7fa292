import ConesGenerated

/// What is called during a generation, on the engine's own queue: be quick, and hop to the main actor for the screen.
/// Throwing stops the generation with ``ConesError/Kind/listenerFailed``.
public typealias ProgressHandler = @Sendable (GenerateProgress) throws -> Void

/// What is given each picture as soon as it is drawn, with its number from 0, on the engine's own queue. Throwing stops the generation with
/// ``ConesError/Kind/listenerFailed``; what was given stays.
public typealias PictureHandler = @Sendable (Int, Picture) throws -> Void

/// What is called during a download, at most a few times a second, on the store's own queue. Throwing stops the download
/// with ``ConesError/Kind/listenerFailed``; what came so far is kept.
public typealias DownloadHandler = @Sendable (DownloadProgress) throws -> Void

/// Closures as the listener of a generation.
final class GenerateListener: Listener {
    private let handler: ProgressHandler?
    private let pictures: PictureHandler?

    init?(_ handler: ProgressHandler?, pictures: PictureHandler? = nil) {
        if handler == nil && pictures == nil { return nil }
        self.handler = handler
        self.pictures = pictures
    }

    func onProgress(progress: GenerateProgress) throws {
        try handler?(progress)
    }

    func onPicture(index: UInt32, picture: ConesGenerated.Picture) throws -> Bool {
        guard let pictures else { return false }
        try pictures(Int(index), Picture(picture))
        return true
    }
}

/// A closure as the listener of a download.
final class Downloading: DownloadListener {
    private let handler: DownloadHandler

    init?(_ handler: DownloadHandler?) {
        guard let handler else { return nil }
        self.handler = handler
    }

    func onReceived(progress: DownloadProgress) throws {
        try handler(progress)
    }
}

/// A closure as the log.
final class Log: LogSink {
    private let handler: @Sendable (LogRecord) -> Void

    init?(_ handler: (@Sendable (LogRecord) -> Void)?) {
        guard let handler else { return nil }
        self.handler = handler
    }

    func log(record: LogRecord) throws {
        handler(record)
    }
}
