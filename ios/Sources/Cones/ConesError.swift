import ConesGenerated
import Foundation

/// Why a call failed. ``kind`` is what an app can act on; the rest is for people.
///
/// ```swift
/// do {
///     let generated = try await engine.generate(Request("a dog on grass"))
/// } catch is CancellationError {
///     // The task was cancelled. The engine is as usable as before.
/// } catch let error as ConesError where error.kind == .badBundle {
///     // Install the base model again.
/// } catch {
///     show(error.localizedDescription)
/// }
/// ```
///
/// A cancelled call throws `CancellationError`, as Swift's own functions do, and never a `ConesError`.
public struct ConesError: Error, Equatable, Sendable {
    /// What kind of failure.
    public let kind: Kind
    /// What is wrong, one sentence.
    public let reason: String
    /// Which file, field, byte or URL; may be empty.
    public let details: String
    /// What to do; may be empty.
    public let hint: String

    /// What an app can act on.
    public enum Kind: String, Sendable, CaseIterable {
        /// A base model is missing, damaged or of a kind this version does not read. Install it again.
        case badBundle
        /// A subject pack is damaged or of a kind this version does not read. Get it again.
        case badPack
        /// A folder of packs or base models was made by a newer version. Update, or use another folder.
        case badStore
        /// Something signed is not to be trusted. Nothing of it was used.
        case untrusted
        /// A download failed. What came so far is kept and resumed.
        case network
        /// There is not enough room on the device. Nothing was changed.
        case outOfSpace
        /// A request takes more memory than there is; `hint` says what would fit. Nothing was loaded.
        case outOfMemory
        /// No pack or base model of that name is installed, or in the catalogue.
        case notFound
        /// A pack was made for another base model than the one that is open.
        case wrongModel
        /// A request cannot be carried out as written; another value may work. `details` is the field.
        case badRequest
        /// The provider asked for cannot be had here.
        case providerUnavailable
        /// ONNX Runtime was not found or cannot be used.
        case runtimeMissing
        /// ONNX Runtime failed while doing something.
        case runtimeFailed
        /// A file could not be read or written.
        case io
        /// A picture could not be decoded or encoded, or does not hold what was looked for.
        case badPicture
        /// A closure that was given for progress threw. `reason` is what it threw.
        case listenerFailed
        /// A progress closure made a blocking call to the engine that is calling it, or another program has had a store's folder
        /// locked for too long.
        case busy
        /// `initialize` was called before.
        case alreadyInitialized
        /// A kind that this version does not know, or a fault of this library.
        case other
    }

    init(_ kind: Kind, _ reason: String, _ details: String = "", _ hint: String = "") {
        self.kind = kind
        self.reason = reason
        self.details = details
        self.hint = hint
    }
}

extension ConesError: LocalizedError {
    /// `reason`, with `details` in brackets.
    public var errorDescription: String? {
        details.isEmpty ? reason : "\(reason) (\(details))"
    }

    /// `hint`.
    public var recoverySuggestion: String? {
        hint.isEmpty ? nil : hint
    }
}

extension ConesError {
    /// Does what may throw an error of the generated code, and throws one of this module instead.
    static func translated<Value>(_ work: () throws -> Value) throws -> Value {
        do {
            return try work()
        } catch ConesGenerated.ConesError.Cancelled {
            throw CancellationError()
        } catch let error as ConesGenerated.ConesError {
            throw ConesError(error)
        } catch {
            // A panic inside the library, or values that do not fit its version.
            throw ConesError(.other, error.localizedDescription, "", "report it, with what was called")
        }
    }

    init(_ error: ConesGenerated.ConesError) {
        switch error {
        case let .BadBundle(reason, details, hint): self.init(.badBundle, reason, details, hint)
        case let .BadPack(reason, details, hint): self.init(.badPack, reason, details, hint)
        case let .BadStore(reason, details, hint): self.init(.badStore, reason, details, hint)
        case let .Untrusted(reason, details, hint): self.init(.untrusted, reason, details, hint)
        case let .Network(reason, details, hint): self.init(.network, reason, details, hint)
        case let .OutOfSpace(reason, details, hint, _, _): self.init(.outOfSpace, reason, details, hint)
        case let .OutOfMemory(reason, details, hint, _, _): self.init(.outOfMemory, reason, details, hint)
        case let .NotFound(reason, details, hint): self.init(.notFound, reason, details, hint)
        case let .WrongModel(reason, details, hint): self.init(.wrongModel, reason, details, hint)
        case let .BadRequest(reason, details, hint): self.init(.badRequest, reason, details, hint)
        case let .ProviderUnavailable(reason, details, hint): self.init(.providerUnavailable, reason, details, hint)
        case let .RuntimeMissing(reason, details, hint): self.init(.runtimeMissing, reason, details, hint)
        case let .RuntimeFailed(reason, details, hint): self.init(.runtimeFailed, reason, details, hint)
        case let .Io(reason, details, hint): self.init(.io, reason, details, hint)
        case let .BadPicture(reason, details, hint): self.init(.badPicture, reason, details, hint)
        // Only reached where there is no task to tell.
        case let .Cancelled(reason, details, hint): self.init(.other, reason, details, hint)
        case let .ListenerFailed(reason, details, hint): self.init(.listenerFailed, reason, details, hint)
        case let .Busy(reason, details, hint): self.init(.busy, reason, details, hint)
        case let .AlreadyInitialized(reason, details, hint): self.init(.alreadyInitialized, reason, details, hint)
        case let .Other(reason, details, hint): self.init(.other, reason, details, hint)
        }
    }
}
