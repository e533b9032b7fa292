import Cones
import SwiftUI
import UIKit

/// All pictures.
struct GalleryView: View {
    @ObservedObject var gallery: Gallery
    @ObservedObject var studio: Studio

    var body: some View {
        NavigationStack {
            ScrollView {
                LazyVGrid(columns: [GridItem(.adaptive(minimum: 110))], spacing: 8) {
                    ForEach(gallery.files, id: \.self) { file in
                        NavigationLink(value: file) { FileImage(file: file) }
                    }
                }
                .padding()
            }
            .overlay {
                if gallery.files.isEmpty { Text("Nothing was drawn yet.").foregroundStyle(.secondary) }
            }
            .navigationTitle("Gallery")
            .navigationDestination(for: URL.self) { file in
                PictureView(file: file, gallery: gallery, studio: studio)
            }
        }
    }
}

/// One picture with its recipe.
struct PictureView: View {
    let file: URL
    @ObservedObject var gallery: Gallery
    @ObservedObject var studio: Studio
    @State private var recipe: Recipe?
    @State private var trouble: Trouble?
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        List {
            FileImage(file: file)
            if let recipe {
                Section("Recipe") {
                    Text(recipe.parameters)
                        .font(.footnote.monospaced())
                        .textSelection(.enabled)
                    if recipe.request != nil {
                        Button("Take it over into Draw") { studio.take(recipe) }
                    }
                }
            }
            Section {
                ShareLink(item: file)
                Button("Delete", role: .destructive, action: delete)
            }
        }
        .navigationTitle(recipe?.bundle ?? "Picture")
        .task { recipe = try? Recipe(contentsOf: file) }
        .alert($trouble)
    }

    private func delete() {
        do {
            try gallery.remove(file)
            dismiss()
        } catch {
            trouble = Trouble(error)
        }
    }
}

/// A picture's file, read when it is shown.
struct FileImage: View {
    let file: URL
    @State private var image: UIImage?

    var body: some View {
        Group {
            if let image {
                Image(uiImage: image)
                    .resizable()
                    .scaledToFit()
            } else {
                Color.gray.opacity(0.2)
                    .aspectRatio(1, contentMode: .fit)
            }
        }
        .accessibilityLabel("A picture that was drawn")
        .task(id: file) { image = await UIImage(contentsOfFile: file.path)?.byPreparingForDisplay() }
    }
}
