//! A subject's pictures, from wherever they are into a folder on the disk.

use std::path::Path;

use cones_core::picture::format::PictureFormat;

use crate::error::Error;
use crate::place::{Place, Places};
use crate::subject::shortened;
use crate::work::Trouble;

/// More pictures than a subject has.
const MOST_PICTURES: usize = 100;
/// The largest picture, and all of them together.
const MOST_BYTES: u64 = 64 << 20;
const MOST_ALTOGETHER: u64 = 512 << 20;
/// A file that may hold captions.
const CAPTIONS: &str = "subject.json";

/// Copies the pictures into a folder. What they show is judged by whoever reads them; here only their number and size is.
///
/// # Errors
/// [`Trouble::Failed`] where the line is at fault, as when there are none; else what the store says.
pub async fn pictures(places: &Places, sources: &[String], folder: &Path) -> Result<(), Trouble> {
    let mut fetching = Fetching { folder, count: 0, bytes: 0 };
    for source in sources {
        let (place, wanted) = match is_file(source) {
            true => {
                let (place, name) = Places::split(source).map_err(of_line)?;
                (places.open(&place).map_err(of_line)?, Some(name))
            }
            false => (places.open(source).map_err(of_line)?, None),
        };
        let found = fetching.fetch(&place, wanted.as_deref()).await?;
        if found == 0 {
            let what =
                if wanted.is_some() { "there is no picture" } else { "there are no PNG, JPEG or WebP pictures in" };
            return Err(Trouble::Failed(format!("{what} `{}`", shortened(source))));
        }
    }
    Ok(())
}

struct Fetching<'a> {
    folder: &'a Path,
    count: usize,
    bytes: u64,
}

impl Fetching<'_> {
    /// Copies one file, or all pictures of a place with their captions; gives how many pictures there were.
    async fn fetch(&mut self, place: &Place, wanted: Option<&str>) -> Result<usize, Trouble> {
        let mut found = 0;
        let files = match wanted {
            Some(name) => vec![(name.to_owned(), place.named(name))],
            None => place.files().await.map_err(of_line)?,
        };
        for (name, at) in files {
            let picture = matches!(PictureFormat::of(Path::new(&name)), Ok(Some(_)));
            if name.starts_with('.') || name.contains(['/', '\\', ':']) || !(picture || name == CAPTIONS) {
                continue;
            }
            let file = self.folder.join(&name);
            if file.exists() {
                return Err(Trouble::Failed(format!("two pictures are called `{}`", shortened(&name))));
            }
            let room = MOST_BYTES.min(MOST_ALTOGETHER.saturating_sub(self.bytes));
            let Some(bytes) = place.download_at(&at, &file, room).await.map_err(of_line)? else { continue };
            self.bytes += bytes;
            if picture {
                found += 1;
                self.count += 1;
            }
            if self.count > MOST_PICTURES {
                return Err(Trouble::Failed(format!(
                    "has more than {MOST_PICTURES} pictures; a subject needs 1 to 10"
                )));
            }
        }
        Ok(found)
    }
}

/// Whether it names a picture, by its ending; else it is a folder.
fn is_file(source: &str) -> bool {
    !matches!(PictureFormat::of(Path::new(source)), Ok(None))
}

/// A place that is none, an object that is not there or may not be read is the line's fault; a store that does not answer is not.
fn of_line(error: Error) -> Trouble {
    use object_store::Error as StoreError;
    let is_lines = match &error {
        Error::Place { .. } | Error::Content { .. } => true,
        Error::Store { source, .. } => matches!(
            **source,
            StoreError::NotFound { .. }
                | StoreError::InvalidPath { .. }
                | StoreError::PermissionDenied { .. }
                | StoreError::Unauthenticated { .. }
        ),
        _ => false,
    };
    if is_lines { Trouble::Failed(one_line(&error)) } else { Trouble::Worker(error) }
}

/// An error in one line, whatever the store answered.
pub(crate) fn one_line(error: &dyn std::error::Error) -> String {
    let text = cones_core::with_sources(error);
    shortened_to(&text.split_whitespace().collect::<Vec<_>>().join(" "), 500)
}

fn shortened_to(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
