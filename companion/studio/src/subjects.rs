//! All subjects of the studio, in memory and on disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cones_core::disk::atomic;
use cones_core::picture::format::PictureFormat;
use cones_core::picture::writing;
use cones_core::subjects::pack::{Header, Metadata, Precision};
use cones_core::{Bundle, ConceptMask, Pack, Picture, Sha256, clock};
use cones_find::photos::Photo;
use cones_find::warnings;
use serde::Deserialize;

use crate::crop::Crop;
use crate::error::{Error, Result};
use crate::events::{Events, Topic};
use crate::folder::{self, Folder};
use crate::id::Id;
use crate::subject::{FoundPack, Said, Shot, Subject};

/// Photos of one subject. Ten are the most that help.
const MOST_PHOTOS: usize = 20;
/// Subjects of one studio.
const MOST_SUBJECTS: usize = 500;
/// Pixels along the longer side of a photo as it is shown.
const SHOWN: u32 = 1024;
/// Bytes of a file's name, and of a caption.
const MOST_TEXT: usize = 200;

/// The subjects.
#[derive(Debug)]
pub(crate) struct Subjects {
    folder: Arc<Folder>,
    bundle: Arc<Bundle>,
    events: Events,
    all: Mutex<Vec<Subject>>,
    /// Held while a photo is decoded: a large one takes a few hundred megabytes.
    decoding: Mutex<()>,
}

/// What may be changed of a photo.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShotChange {
    pub(crate) crop: Option<Crop>,
    pub(crate) caption: Option<String>,
}

impl Subjects {
    /// Those on disk.
    pub(crate) fn open(folder: Arc<Folder>, bundle: Arc<Bundle>, events: Events) -> Self {
        let read = |id: Id| folder::read_json::<Subject>(&folder.subject(id).join("subject.json"));
        let all = folder::ids(&folder.join("subjects"), 's', "").into_iter().filter_map(read).collect();
        Self { folder, bundle, events, all: Mutex::new(all), decoding: Mutex::new(()) }
    }

    pub(crate) fn list(&self) -> Vec<Subject> {
        self.lock().clone()
    }

    pub(crate) fn get(&self, id: Id) -> Result<Subject> {
        self.lock().iter().find(|subject| subject.id == id).cloned().ok_or_else(|| Error::unknown("subject", id))
    }

    /// A new subject, without photos.
    pub(crate) fn add(&self, said: Said) -> Result<Subject> {
        let said = said.checked()?;
        let class_warnings = self.check(&said)?;
        let mut all = self.lock();
        check_free(&all, &said.name, None)?;
        if all.len() >= MOST_SUBJECTS {
            return Err(Error::request(format!("there are {MOST_SUBJECTS} subjects already"), "remove some"));
        }
        let subject = Subject {
            id: Id::after('s', all.iter().map(|subject| subject.id)),
            name: said.name,
            class: said.class,
            trigger: said.trigger,
            photos: Vec::new(),
            pack: None,
            class_warnings,
            created: clock::now(),
        };
        self.keep(&mut all, subject)
    }

    /// Calls a subject otherwise. A pack that was found keeps what it says until it is found anew.
    pub(crate) fn edit(&self, id: Id, said: Said) -> Result<Subject> {
        let said = said.checked()?;
        let class_warnings = self.check(&said)?;
        let mut all = self.lock();
        check_free(&all, &said.name, Some(id))?;
        let subject = with_id(&mut all, id)?;
        (subject.name, subject.class, subject.trigger) = (said.name, said.class, said.trigger);
        subject.class_warnings = class_warnings;
        let subject = subject.clone();
        self.keep(&mut all, subject)
    }

    /// Whether a pack can say it; what is to be said of the class word.
    fn check(&self, said: &Said) -> Result<Vec<String>> {
        let manifest = self.bundle.manifest();
        let metadata = Metadata::new(&said.name, &said.trigger, &said.class);
        let nothing = ConceptMask::empty(&manifest.layers);
        Pack::new(metadata, manifest.fingerprint, nothing, Precision::Binary).encode()?;
        Ok(warnings::of_class(&self.bundle, &said.class)?)
    }

    /// Removes a subject with its photos and its pack.
    pub(crate) fn remove(&self, id: Id) -> Result<()> {
        let mut all = self.lock();
        let place = all.iter().position(|subject| subject.id == id).ok_or_else(|| Error::unknown("subject", id))?;
        let path = self.folder.subject(id);
        std::fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        all.remove(place);
        self.events.changed(Topic::Subjects);
        Ok(())
    }

    /// Adds a photo: the bytes of its file, as they were sent.
    pub(crate) fn add_photo(&self, subject: Id, name: &str, bytes: &[u8]) -> Result<Subject> {
        let room = |subject: &Subject| {
            if subject.photos.len() < MOST_PHOTOS {
                return Ok(());
            }
            Err(Error::request(format!("it has {MOST_PHOTOS} photos already"), "three to ten good ones are enough"))
        };
        room(&self.get(subject)?)?;
        let one = self.decoding.lock().unwrap_or_else(PoisonError::into_inner);
        // Under a name of its own, so that what is no picture leaves nothing behind.
        let folder = self.folder.subject(subject);
        folder::make(&folder.join("photos"))?;
        let arriving = folder.join("photos/.arriving");
        atomic::write(&arriving, bytes)?;
        let picture = Picture::open(&arriving).map_err(|error| {
            let _ = std::fs::remove_file(&arriving);
            not_a_photo(name, &error)
        })?;
        let mut all = self.lock();
        let owner = with_id(&mut all, subject)?;
        room(owner)?;
        let id = Id::after('p', owner.photos.iter().map(|shot| shot.id));
        let original = folder.join(format!("photos/{id}"));
        std::fs::rename(&arriving, &original).map_err(Error::io("write", &original))?;
        let shown = shown(&picture)?;
        let jpeg = writing::encode(&shown, None, PictureFormat::Jpeg).map_err(Error::Lost)?;
        atomic::write(&folder.join(format!("photos/{id}.jpg")), &jpeg)?;
        let look = self.cut(subject, id, &picture, &Crop::default())?;
        let name = plain(name, "photo");
        let (width, height) = (picture.width, picture.height);
        let caption = String::new();
        owner.photos.push(Shot { id, name, width, height, crop: Crop::default(), caption, version: 0, look });
        let owner = owner.clone();
        drop(one);
        self.keep(&mut all, owner)
    }

    /// Cuts a photo otherwise, or says what is in it.
    pub(crate) fn edit_photo(&self, subject: Id, photo: Id, change: &ShotChange) -> Result<Subject> {
        let before = self.get(subject)?.shot(photo)?.clone();
        let mut look = before.look.clone();
        if let Some(crop) = change.crop.filter(|crop| *crop != before.crop) {
            crop.check()?;
            let _one = self.decoding.lock().unwrap_or_else(PoisonError::into_inner);
            let picture = Picture::open(&self.folder.subject(subject).join(format!("photos/{photo}")))?;
            look = self.cut(subject, photo, &picture, &crop)?;
        }
        let mut all = self.lock();
        let owner = with_id(&mut all, subject)?;
        let shot = owner.photos.iter_mut().find(|shot| shot.id == photo);
        let shot = shot.ok_or_else(|| Error::unknown("photo", photo))?;
        if let Some(crop) = change.crop {
            (shot.crop, shot.look, shot.version) = (crop, look, shot.version.saturating_add(1));
        }
        if let Some(caption) = &change.caption {
            shot.caption = plain(caption, "");
        }
        let owner = owner.clone();
        self.keep(&mut all, owner)
    }

    /// Removes a photo.
    pub(crate) fn remove_photo(&self, subject: Id, photo: Id) -> Result<Subject> {
        let mut all = self.lock();
        let owner = with_id(&mut all, subject)?;
        owner.shot(photo)?;
        owner.photos.retain(|shot| shot.id != photo);
        let owner = owner.clone();
        for file in [self.part(subject, photo), self.shown(subject, photo), self.original(subject, photo)] {
            std::fs::remove_file(&file).or_else(gone).map_err(Error::io("remove", &file))?;
        }
        self.keep(&mut all, owner)
    }

    /// Writes the part that is learned from.
    fn cut(&self, subject: Id, photo: Id, picture: &Picture, crop: &Crop) -> Result<Photo> {
        let image = &self.bundle.manifest().image;
        let part = crop.of(picture, image.width, image.height)?;
        folder::make(&self.pictures(subject))?;
        writing::save(&part, None, &self.part(subject, photo))?;
        Ok(Photo::new(&part)?)
    }

    /// Where a photo is as it was sent.
    fn original(&self, subject: Id, photo: Id) -> PathBuf {
        self.folder.subject(subject).join(format!("photos/{photo}"))
    }

    /// Where a photo is as it is shown.
    pub(crate) fn shown(&self, subject: Id, photo: Id) -> PathBuf {
        self.folder.subject(subject).join(format!("photos/{photo}.jpg"))
    }

    /// Where the part is that is learned from.
    pub(crate) fn part(&self, subject: Id, photo: Id) -> PathBuf {
        self.pictures(subject).join(Shot::file(photo))
    }

    /// The folder of what is learned from.
    pub(crate) fn pictures(&self, subject: Id) -> PathBuf {
        self.folder.subject(subject).join("pictures")
    }

    /// The folder of what is found.
    pub(crate) fn found(&self, subject: Id) -> PathBuf {
        self.folder.subject(subject).join("found")
    }

    /// The file of a subject's pack; an error where none was found yet.
    pub(crate) fn pack_file(&self, subject: Id) -> Result<PathBuf> {
        let owner = self.get(subject)?;
        let pack = owner.pack.as_ref().ok_or_else(|| {
            Error::request(format!("`{}` was not found yet", owner.name), "press Find on its page first")
        })?;
        Ok(self.found(subject).join(format!("{}.cones", pack.name)))
    }

    /// A subject's pack, with the hash of its file.
    pub(crate) fn pack(&self, subject: Id) -> Result<(Pack, Sha256)> {
        let path = self.pack_file(subject)?;
        let bytes = std::fs::read(&path).map_err(Error::io("read", &path))?;
        let pack = Pack::decode(&path.display().to_string(), &bytes, self.bundle.manifest())?;
        Ok((pack, Sha256::digest(&bytes)))
    }

    /// Puts a pack in the place of what a subject had.
    pub(crate) fn set_pack(&self, subject: Id, pack: &Pack, found_here: bool) -> Result<()> {
        let bytes = pack.encode()?;
        folder::make(&self.found(subject))?;
        atomic::write(&self.found(subject).join(format!("{}.cones", pack.metadata.name)), &bytes)?;
        let mut all = self.lock();
        let owner = with_id(&mut all, subject)?;
        owner.pack = Some(FoundPack {
            name: pack.metadata.name.clone(),
            version: pack.metadata.version,
            neurons: pack.mask.count() as u64,
            share: pack.mask.density(),
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(&bytes),
            found_here,
            created: pack.metadata.created,
        });
        let owner = owner.clone();
        self.keep(&mut all, owner).map(drop)
    }

    /// A subject from a pack that somebody else made.
    pub(crate) fn import(&self, name: &str, bytes: &[u8]) -> Result<Subject> {
        let shown = plain(name, "pack");
        let header = Header::read(&shown, bytes)?;
        let pack = Pack::decode(&shown, bytes, self.bundle.manifest())?;
        let said = Said {
            name: header.metadata.name.clone(),
            class: if header.metadata.class.is_empty() { "thing".into() } else { header.metadata.class.clone() },
            trigger: header.metadata.trigger,
        };
        let subject = self.add(said)?;
        self.set_pack(subject.id, &pack, false)?;
        self.get(subject.id)
    }

    /// Writes a subject down, and puts it in the place of what was known of it.
    fn keep(&self, all: &mut Vec<Subject>, subject: Subject) -> Result<Subject> {
        let folder = self.folder.subject(subject.id);
        folder::make(&folder)?;
        folder::write_json(&folder.join("subject.json"), &subject)?;
        match all.iter_mut().find(|known| known.id == subject.id) {
            Some(known) => known.clone_from(&subject),
            None => all.push(subject.clone()),
        }
        self.events.changed(Topic::Subjects);
        Ok(subject)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Subject>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_id(all: &mut [Subject], id: Id) -> Result<&mut Subject> {
    all.iter_mut().find(|subject| subject.id == id).ok_or_else(|| Error::unknown("subject", id))
}

/// Prompts name subjects, so no two have one name.
fn check_free(all: &[Subject], name: &str, but: Option<Id>) -> Result<()> {
    match all.iter().find(|subject| subject.name == name && Some(subject.id) != but) {
        Some(_) => Err(Error::request(format!("there is a subject `{name}` already"), "call this one otherwise")),
        None => Ok(()),
    }
}

/// What is to be told of a file that is no photo; where it lies here is nobody's concern.
fn not_a_photo(name: &str, error: &cones_core::Error) -> Error {
    let name = plain(name, "the photo");
    match error {
        cones_core::Error::Picture { reason, .. } => {
            Error::request(format!("{name} cannot be read: {reason}"), "take a PNG, JPEG or WebP")
        }
        other => Error::request(format!("{name} cannot be read: {other}"), "try another one"),
    }
}

/// A photo as large as it is shown.
fn shown(picture: &Picture) -> Result<Picture> {
    let longer = picture.width.max(picture.height);
    if longer <= SHOWN {
        return Ok(picture.clone());
    }
    let side = |side: u32| ((u64::from(side) * u64::from(SHOWN) / u64::from(longer)) as u32).max(1);
    Ok(picture.resized(side(picture.width), side(picture.height))?)
}

/// A text without control characters, and not too long.
fn plain(text: &str, otherwise: &str) -> String {
    let mut plain: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let end = plain.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MOST_TEXT).last();
    plain.truncate(end.unwrap_or(0));
    if plain.is_empty() { otherwise.to_owned() } else { plain }
}

/// What is not there need not be removed.
fn gone(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
