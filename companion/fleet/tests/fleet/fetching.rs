//! Pictures from wherever they are.

use std::path::Path;

use cones_fleet::fetch::pictures;
use cones_fleet::place::Places;
use cones_fleet::work::Trouble;

async fn fetched(base: &Path, sources: &[&str]) -> Result<Vec<String>, String> {
    let into = tempfile::tempdir().expect("a folder");
    let places = Places::new(base.to_str().expect("a path"));
    let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
    match pictures(&places, &sources, into.path()).await {
        Ok(()) => {
            let entries = std::fs::read_dir(into.path()).expect("a folder").flatten();
            let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            Ok(names)
        }
        Err(Trouble::Failed(reason)) => Err(reason),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_folders_pictures_come_with_their_captions_and_nothing_else() {
    let desk = tempfile::tempdir().expect("a folder");
    let folder = desk.path().join("my dog");
    std::fs::create_dir_all(folder.join("old")).expect("a folder");
    for name in ["1.png", "a #2.JPG", "subject.json", "notes.txt", ".3.png", "4.heic", "old/5.png"] {
        std::fs::write(folder.join(name), "x").expect("written");
    }
    let all = ["1.png", "a #2.JPG", "subject.json"].map(str::to_owned).to_vec();
    assert_eq!(fetched(desk.path(), &["my dog"]).await, Ok(all.clone()));
    let url = format!("file://{}", folder.display()).replace(' ', "%20");
    #[cfg(unix)]
    assert_eq!(fetched(desk.path(), &[&url]).await, Ok(all));
    assert_eq!(
        fetched(desk.path(), &["my dog/1.png", "my dog/old/5.png"]).await,
        Ok(vec!["1.png".into(), "5.png".into()])
    );
    let wrong = |sources: &'static [&'static str], part: &'static str| {
        let base = desk.path().to_path_buf();
        async move {
            let reason = fetched(&base, sources).await.expect_err("refused");
            assert!(reason.contains(part) && !reason.contains('\n'), "{part}: {reason}");
        }
    };
    wrong(&["my dog/9.png"], "no picture `my dog/9.png`").await;
    wrong(&["my dog/old/none"], "cannot be opened").await;
    wrong(&["my dog/1.png", "my dog/1.png"], "two pictures").await;
    wrong(&["ftp://host/pictures"], "no place").await;
    std::fs::remove_file(folder.join("old/5.png")).expect("removed");
    wrong(&["my dog/old"], "no PNG, JPEG or WebP pictures in `my dog/old`").await;
}
