//! The subjects of a recipe, found again.

use cones_core::picture::recipe::{Recipe, SubjectRecipe};
use cones_core::{Bundle, PackStore, Subject};

use crate::failure::Failure;
use crate::pack_file::PackFile;
use crate::places::StoreArgs;
use crate::subject_spec::SubjectSpec;

/// The recipe's subjects, each as strong as the recipe says: from among those given, drawn again, or installed; then the
/// given ones that the recipe does not know.
pub fn find(recipe: &Recipe, given: Vec<Subject>, bundle: &Bundle, store: &StoreArgs) -> Result<Vec<Subject>, Failure> {
    let mut subjects = Vec::new();
    for wanted in &recipe.subjects {
        let mut of_mask = given.iter().filter(|s| wanted.is_of(s));
        let very = of_mask.clone().find(|s| s.pack_sha256 == wanted.pack_sha256);
        let mut subject = match very.or_else(|| of_mask.next()) {
            Some(given) => given.clone(),
            None => find_one(wanted, bundle, store)?,
        };
        // One pack may have been on under two names.
        subject.name.clone_from(&wanted.name);
        subject.strength = wanted.strength;
        subject.scope = wanted.scope;
        subject.trigger.clone_from(&wanted.trigger);
        subject.places.clone_from(&wanted.places);
        subjects.push(subject);
    }
    let known = |s: &Subject| recipe.subjects.iter().any(|w| w.is_of(s));
    subjects.extend(given.into_iter().filter(|s| !known(s)));
    Ok(subjects)
}

fn find_one(wanted: &SubjectRecipe, bundle: &Bundle, store: &StoreArgs) -> Result<Subject, Failure> {
    for spec in SubjectSpec::of_random(&wanted.name, wanted.strength) {
        match spec.open(bundle, store, None) {
            Ok(subject) if wanted.is_of(&subject) => return Ok(subject),
            _ => {}
        }
    }
    let store = store.packs()?;
    installed(&store, wanted, bundle)?.map_or_else(|| Err(missing(&store, wanted)), Ok)
}

/// The very pack; else one of its name with the same mask and embeddings, as after a change of its description.
fn installed(store: &PackStore, wanted: &SubjectRecipe, bundle: &Bundle) -> Result<Option<Subject>, Failure> {
    let manifest = bundle.manifest();
    let packs: Vec<_> =
        store.list()?.into_iter().filter(|pack| pack.header.fingerprint == manifest.fingerprint).collect();
    if let Some(pack) = packs.iter().find(|pack| wanted.pack_sha256.as_ref() == Some(&pack.sha256)) {
        return Ok(Some(PackFile::of_installed(pack)?.subject(manifest)?));
    }
    for pack in packs.iter().filter(|pack| pack.header.metadata.name == wanted.name) {
        let subject = PackFile::of_installed(pack)?.subject(manifest)?;
        if wanted.is_of(&subject) {
            return Ok(Some(subject));
        }
    }
    Ok(None)
}

fn missing(store: &PackStore, wanted: &SubjectRecipe) -> Failure {
    let (name, mask) = (&wanted.name, &wanted.mask_sha256);
    let Some(hash) = &wanted.pack_sha256 else {
        return format!("the recipe has subject `{name}` (mask {mask}); give its file with --subject FILE").into();
    };
    let found = match store.get(name, None) {
        Ok(other) => format!("the installed `{name}` is another one, with hash {}", other.sha256),
        Err(_) => "it is not installed".into(),
    };
    format!(
        "the picture was drawn with pack `{name}` with hash {hash}; {found}\n\
         hint: install that pack with `cones packs install`, or give its file with --subject FILE.cones"
    )
    .into()
}
