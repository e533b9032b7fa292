import ConesGenerated

/// What a publisher offers: a catalogue whose signature was checked. ``PackStore/fetchCatalog(from:publicKey:)`` gets one.
public struct Catalog: Sendable {
    let inner: ConesGenerated.Catalog

    /// What it says of itself.
    public let info: CatalogInfo
    /// The packs on offer.
    public let packs: [CatalogPack]
    /// The base models on offer.
    public let bundles: [CatalogBundle]

    init(_ inner: ConesGenerated.Catalog) {
        self.inner = inner
        info = inner.info()
        packs = inner.packs()
        bundles = inner.bundles()
    }
}
