import Cones
import SwiftUI

/// Memory, and what is done with pictures that are not safe.
struct ChoicesView: View {
    @ObservedObject var studio: Studio

    var body: some View {
        NavigationStack {
            Form {
                Picker("Memory", selection: $studio.choices.memory) {
                    Text("The fastest way that fits").tag(MemoryMode.auto)
                    Text("Everything stays loaded").tag(MemoryMode.resident)
                    Text("One part of the model after another").tag(MemoryMode.sequential)
                    Text("The least").tag(MemoryMode.least)
                }
                .pickerStyle(.inline)
                Section {
                    Picker("Pictures that are not safe", selection: $studio.choices.safety) {
                        Text("Blur them").tag(SafetyPolicy?.none)
                        Text("Show nothing of them").tag(SafetyPolicy?.some(.refuse))
                        Text("Show them, and say so").tag(SafetyPolicy?.some(.report))
                        Text("Do not look").tag(SafetyPolicy?.some(.off))
                    }
                    .pickerStyle(.inline)
                    .disabled(studio.info?.safety == nil)
                } footer: {
                    if let classifier = studio.info?.safety {
                        Text("\(classifier) looks at every picture and preview.")
                    } else {
                        Text("This base model brings no classifier: nobody looks at its pictures.")
                    }
                }
            }
            .navigationTitle("How")
        }
    }
}
