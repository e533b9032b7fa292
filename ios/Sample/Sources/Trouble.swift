import Cones
import Foundation
import SwiftUI

/// What went wrong, for a person.
struct Trouble: Error, Identifiable {
    let id = UUID()
    let text: String
    let hint: String

    init(_ error: any Error) {
        text = error.localizedDescription
        hint = (error as? ConesError)?.hint ?? ""
    }
}

/// What went wrong, where nothing else can be shown.
struct TroubleView: View {
    let trouble: Trouble

    var body: some View {
        VStack(spacing: 12) {
            Image(systemName: "exclamationmark.triangle")
                .font(.largeTitle)
            Text(trouble.text)
            Text(trouble.hint)
                .foregroundStyle(.secondary)
        }
        .multilineTextAlignment(.center)
        .padding()
    }
}

extension Trouble? {
    /// Whether there is one; taking that back forgets it.
    fileprivate var isShown: Bool {
        get { self != nil }
        set { if !newValue { self = nil } }
    }
}

extension View {
    /// Tells what went wrong until it is acknowledged.
    func alert(_ trouble: Binding<Trouble?>) -> some View {
        alert("That did not work", isPresented: trouble.isShown, presenting: trouble.wrappedValue) { _ in
            Button("OK", role: .cancel) {}
        } message: { trouble in
            Text(trouble.hint.isEmpty ? trouble.text : "\(trouble.text)\n\n\(trouble.hint)")
        }
    }
}
