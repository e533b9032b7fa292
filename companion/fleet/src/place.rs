//! A folder, wherever it is: in an object store or on the disk.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::buffered::BufWriter;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutPayload};
use percent_encoding::percent_decode_str;
use tokio::io::AsyncWriteExt;
use url::Url;

use crate::error::{Error, Result};

/// What is uploaded at once; larger files go in parts.
const PART: usize = 8 << 20;

/// A folder of a store.
#[derive(Debug, Clone)]
pub struct Place {
    store: Arc<dyn ObjectStore>,
    root: Path,
    shown: String,
}

/// An object as a listing tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name below the folder that was listed.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// When it was last written, in milliseconds since 1970 by the store's clock.
    pub modified: i64,
}

impl Place {
    /// A folder of a store; `shown` is what messages call it.
    pub fn new(store: Arc<dyn ObjectStore>, root: Path, shown: impl Into<String>) -> Self {
        Self { store, root, shown: shown.into() }
    }

    /// What messages call it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// What an object of this name is [downloaded](Self::download_at) by.
    pub fn named(&self, name: &str) -> Path {
        self.path(name)
    }

    fn path(&self, name: &str) -> Path {
        let mut path = self.root.clone();
        path.extend(name.split('/'));
        path
    }

    /// Writes an object where there is none; false where there is one.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create(&self, name: &str, bytes: Vec<u8>) -> Result<bool> {
        let put = self.store.put_opts(&self.path(name), PutPayload::from(bytes), PutMode::Create.into()).await;
        match put {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(Error::store("creating", name)(error)),
        }
    }

    /// Writes an object, whether or not there is one; it appears whole.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let put = self.store.put(&self.path(name), PutPayload::from(bytes)).await;
        put.map(drop).map_err(Error::store("writing", name))
    }

    /// Reads an object of at most `most` bytes; none where there is none.
    ///
    /// # Errors
    /// When it is larger, or the store fails.
    pub async fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let got = match self.store.get(&self.path(name)).await {
            Ok(got) => got,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::store("reading", name)(error)),
        };
        if got.meta.size > most {
            return Err(Error::content(name, format!("has {} bytes; {most} are read at most", got.meta.size)));
        }
        let bytes = got.bytes().await.map_err(Error::store("reading", name))?;
        Ok(Some(bytes.to_vec()))
    }

    /// When an object was last written, in milliseconds since 1970 by the store's clock; none where there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn modified(&self, name: &str) -> Result<Option<i64>> {
        match self.store.head(&self.path(name)).await {
            Ok(meta) => Ok(Some(meta.last_modified.timestamp_millis())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store("asking for", name)(error)),
        }
    }

    /// All objects below a folder; empty where there is no such folder.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let prefix = self.path(folder);
        let found: Vec<_> = match self.store.list(Some(&prefix)).try_collect().await {
            Ok(found) => found,
            Err(StoreError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(Error::store("listing", folder)(error)),
        };
        let below = |path: &Path| {
            let parts: Vec<_> = path.prefix_match(&prefix)?.map(|part| part.as_ref().to_owned()).collect();
            Some(parts.join("/"))
        };
        let listed = found.into_iter().filter_map(|meta| {
            let modified = meta.last_modified.timestamp_millis();
            Some(Listed { name: below(&meta.location)?, size: meta.size, modified })
        });
        Ok(listed.collect())
    }

    /// The objects that lie directly in a place, as their names and what they are to be [downloaded](Self::download_at) by.
    ///
    /// # Errors
    /// What the store says.
    pub async fn files(&self) -> Result<Vec<(String, Path)>> {
        let found = match self.store.list_with_delimiter(Some(&self.root)).await {
            Ok(found) => found.objects,
            Err(StoreError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(Error::store("listing", &self.shown)(error)),
        };
        let named = |meta: object_store::ObjectMeta| {
            let name = percent_decode_str(meta.location.filename()?).decode_utf8().ok()?.into_owned();
            Some((name, meta.location))
        };
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// Removes an object; nothing where there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remove(&self, name: &str) -> Result<()> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::store("removing", name)(error)),
        }
    }

    /// Copies an object of at most `most` bytes into a file, which appears whole; false where there is no object.
    ///
    /// # Errors
    /// When it is larger, the store fails, or the file cannot be written.
    pub async fn download(&self, name: &str, file: &FilePath, most: u64) -> Result<bool> {
        Ok(self.download_at(&self.path(name), file, most).await?.is_some())
    }

    /// Downloads an object that [`files`](Self::files) told into a file; gives its length in bytes, `None` where it is gone.
    ///
    /// # Errors
    /// As [`download`](Self::download).
    pub async fn download_at(&self, at: &Path, file: &FilePath, most: u64) -> Result<Option<u64>> {
        let name = at.as_ref();
        let got = match self.store.get(at).await {
            Ok(got) => got,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::store("reading", name)(error)),
        };
        if got.meta.size > most {
            return Err(Error::content(name, format!("has {} bytes; {most} are read at most", got.meta.size)));
        }
        let (part, size) = (file.with_extension("part"), got.meta.size);
        // A piece at a time on the thread that asks: quicker than a thread for each, and a lease is a hundred times as long.
        let mut out = std::fs::File::create(&part).map_err(Error::file("write", &part))?;
        let mut pieces = got.into_stream();
        while let Some(piece) = pieces.try_next().await.map_err(Error::store("reading", name))? {
            out.write_all(&piece).map_err(Error::file("write", &part))?;
        }
        drop(out);
        std::fs::rename(&part, file).map_err(Error::file("rename", &part))?;
        Ok(Some(size))
    }

    /// Copies a file into an object, which appears whole.
    ///
    /// # Errors
    /// When the file cannot be read, or the store fails.
    pub async fn upload(&self, file: &FilePath, name: &str) -> Result<()> {
        let mut source = std::fs::File::open(file).map_err(Error::file("read", file))?;
        let mut out = BufWriter::with_capacity(Arc::clone(&self.store), self.path(name), PART);
        let mut piece = vec![0; 1 << 18];
        loop {
            let read = source.read(&mut piece).map_err(Error::file("read", file))?;
            if read == 0 {
                break;
            }
            if let Err(error) = AsyncWriteExt::write_all(&mut out, &piece[..read]).await {
                // The store forgets parts of uploads that nobody ends, or its owner lets it; what was said first counts.
                let _ = out.abort().await;
                return Err(unwrapped(name, error));
            }
        }
        out.shutdown().await.map_err(|error| unwrapped(name, error))
    }
}

/// What the store said, out of what a stream made of it.
fn unwrapped(name: &str, error: std::io::Error) -> Error {
    let source = match error.downcast::<StoreError>() {
        Ok(error) => error,
        Err(error) => StoreError::Generic { store: "upload", source: Box::new(error) },
    };
    Error::store("writing", name)(source)
}

/// Finds places by URL or path, and keeps one client for each bucket.
#[derive(Debug, Default)]
pub struct Places {
    /// What relative paths are relative to: a URL or a folder.
    base: String,
    stores: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl Places {
    /// Relative paths are relative to `base`, a URL or a folder; empty for the folder that the program works in.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), ..Self::default() }
    }

    /// Takes this store for a bucket, as `s3://BUCKET`, instead of making a client.
    pub fn keep(&self, bucket: &str, store: Arc<dyn ObjectStore>) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket.to_owned(), store);
    }

    /// A URL, or a path as seen from the base.
    fn whole(&self, text: &str) -> String {
        if is_url(text) || FilePath::new(text).is_absolute() || self.base.is_empty() {
            return text.to_owned();
        }
        if is_url(&self.base) {
            return format!("{}/{text}", self.base.trim_end_matches('/'));
        }
        FilePath::new(&self.base).join(text).to_string_lossy().into_owned()
    }

    /// The folder and the name of a file.
    ///
    /// # Errors
    /// When it names no file.
    pub fn split(text: &str) -> Result<(String, String)> {
        let cut = match (is_url(text), text.rfind(['/', std::path::MAIN_SEPARATOR])) {
            (false, None) => return Ok((".".into(), text.to_owned())),
            (_, Some(cut)) if cut + 1 < text.len() => cut,
            _ => return Err(Error::place(text, "names no file")),
        };
        let folder = if cut == 0 { "/" } else { &text[..cut] };
        Ok((folder.to_owned(), text[cut + 1..].to_owned()))
    }

    /// Finds a folder.
    ///
    /// # Errors
    /// When the URL is of no known kind, or the folder on the disk is not there.
    pub fn open(&self, text: &str) -> Result<Place> {
        let whole = self.whole(text);
        if !is_url(&whole) {
            return self.on_disk(FilePath::new(&whole), text);
        }
        let url = Url::parse(&whole).map_err(|error| Error::place(text, format!("is no URL: {error}")))?;
        let (scheme, root) =
            ObjectStoreScheme::parse(&url).map_err(|error| Error::place(text, format!("is no place: {error}")))?;
        if scheme == ObjectStoreScheme::Local {
            let path = url.to_file_path().map_err(|()| Error::place(text, "names no folder"))?;
            return self.on_disk(&path, text);
        }
        let store = self.kept(&url[..url::Position::BeforePath], || client(&scheme, &url, text))?;
        Ok(Place::new(store, root, text))
    }

    /// Opens a place, and makes its folder where that is on the disk and not there.
    ///
    /// # Errors
    /// As [`open`](Self::open), or when the folder cannot be made.
    pub fn make(&self, text: &str) -> Result<Place> {
        let whole = self.whole(text);
        let path = match Url::parse(&whole) {
            Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
            _ if is_url(&whole) => None,
            _ => Some(PathBuf::from(&whole)),
        };
        if let Some(path) = path {
            std::fs::create_dir_all(&path).map_err(Error::file("create", &path))?;
        }
        self.open(text)
    }

    fn on_disk(&self, path: &FilePath, text: &str) -> Result<Place> {
        let whole = path.canonicalize().map_err(|error| Error::place(text, format!("cannot be opened: {error}")))?;
        let root = Path::from_absolute_path(&whole).map_err(|error| Error::place(text, error.to_string()))?;
        let store = self.kept("", || Ok(Arc::new(LocalFileSystem::new())))?;
        Ok(Place::new(store, root, text))
    }

    fn kept(&self, key: &str, make: impl FnOnce() -> Result<Arc<dyn ObjectStore>>) -> Result<Arc<dyn ObjectStore>> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = stores.get(key) {
            return Ok(Arc::clone(known));
        }
        let made = make()?;
        stores.insert(key.to_owned(), Arc::clone(&made));
        Ok(made)
    }
}

/// Whether it is a URL; `C:\` is none.
fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// A client that takes its credentials and its endpoint from the environment.
fn client(scheme: &ObjectStoreScheme, url: &Url, text: &str) -> Result<Arc<dyn ObjectStore>> {
    // The provider of TLS; that there is one already is no fault.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |error: StoreError| Error::place(text, format!("cannot be opened: {error}"));
    Ok(match scheme {
        ObjectStoreScheme::AmazonS3 => {
            Arc::new(AmazonS3Builder::from_env().with_url(url.as_str()).build().map_err(failed)?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            Arc::new(GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).build().map_err(failed)?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            Arc::new(MicrosoftAzureBuilder::from_env().with_url(url.as_str()).build().map_err(failed)?)
        }
        _ => return Err(Error::place(text, "is of no kind that packs and pictures are kept in")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_told_apart_in_urls_and_paths() {
        let split = |text: &str| Places::split(text).map_err(|error| error.to_string());
        let both = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(split("s3://b/a/list.csv"), both("s3://b/a", "list.csv"));
        assert_eq!(split("list.csv"), both(".", "list.csv"));
        assert_eq!(split("/list.csv"), both("/", "list.csv"));
        assert!(split("s3://b/a/").is_err_and(|error| error.contains("names no file")));
    }

    #[test]
    fn relative_paths_are_seen_from_the_base() {
        assert_eq!(Places::new("s3://b/a/").whole("dogs/rex"), "s3://b/a/dogs/rex");
        assert_eq!(Places::new("s3://b/a").whole("gs://c/rex"), "gs://c/rex");
        assert_eq!(Places::new("").whole("dogs"), "dogs");
        #[cfg(unix)]
        assert_eq!(Places::new("/m").whole("dogs"), "/m/dogs");
    }

    #[test]
    fn places_of_no_known_kind_are_refused() {
        let refused = |text: &str| Places::default().open(text).expect_err("no place").to_string();
        assert!(refused("ftp://host/x").contains("`ftp://host/x`"));
        assert!(refused("https://host/x").contains("no kind"));
        assert!(refused("/no/such/folder").contains("cannot be opened"));
    }
}
