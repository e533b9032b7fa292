//! Who is turned away, and what.

use serde_json::json;

use crate::client::ask;
use crate::desk::{Desk, models};

#[test]
fn nobody_but_the_users_own_page_is_let_in() {
    let desk = Desk::new();
    let studio = desk.open();
    let (at, host, token) = (studio.address, studio.address.to_string(), studio.token());
    let entered = ask(at, "GET", &format!("/?token={token}"), &[("Host", &host)], &[]);
    assert_eq!(entered.status, 200);
    let cookie = entered.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let policy = entered.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let own = format!("http://{host}");
    let body = json!({ "name": "rex", "class": "dog" }).to_string();
    let post = |headers: &[(&str, &str)]| ask(at, "POST", "/api/subjects", headers, body.as_bytes()).status;
    // DNS rebinding: the browser asks us under the attacker's name, with no cookie of ours or, at the worst, with it.
    assert_eq!(ask(at, "GET", "/api/subjects", &[("Host", "evil.example"), ("Cookie", &cookie)], &[]).status, 403);
    assert_eq!(post(&[("Host", "evil.example"), ("Origin", "http://evil.example"), ("Cookie", &cookie)]), 403);
    // Another site's form, and one of another port of this machine.
    assert_eq!(post(&[("Host", &host), ("Origin", "https://evil.example"), ("Cookie", &cookie)]), 403);
    assert_eq!(post(&[("Host", &host), ("Origin", "http://127.0.0.1:1"), ("Cookie", &cookie)]), 403);
    assert_eq!(post(&[("Host", &host), ("Cookie", &cookie)]), 403, "a browser says where a POST comes from");
    // Nobody we know.
    assert_eq!(post(&[("Host", &host), ("Origin", &own)]), 403);
    let stranger = ask(at, "GET", "/", &[("Host", &host)], &[]);
    assert!(stranger.status == 403 && stranger.text().contains("What to do"), "{}", stranger.text());
    for path in ["/app.js", "/api/model", "/api/events", "/api/jobs/j1/i1.png"] {
        assert_eq!(ask(at, "GET", path, &[("Host", &host)], &[]).status, 403, "{path}");
    }
    assert_eq!(studio.get("subjects"), json!([]), "nothing of it was done");
    assert_eq!(post(&[("Host", &host), ("Origin", &own), ("Cookie", &cookie)]), 200);
    assert_eq!(ask(at, "GET", "/api/subjects", &[("Host", &host), ("Cookie", &cookie)], &[]).status, 200);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let desk = Desk::new();
    let studio = desk.open();
    let said = json!({ "name": "rex", "class": "xqzzy" });
    let rex = studio.send("POST", "subjects", &said);
    assert!(rex["warnings"][0].as_str().is_some_and(|warning| warning.contains("xqzzy")), "{rex}");
    assert!(studio.refused(400, "POST", "subjects", said.to_string().as_bytes()).contains("`rex` already"));
    assert!(studio.refused(400, "POST", "subjects", b"{}").contains("API.md"));
    assert!(studio.refused(400, "POST", "subjects/s1/photos?name=x.gif", b"GIF89a not read").contains("x.gif"));
    assert!(studio.refused(413, "POST", "subjects/s1/photos", &vec![0; (64 << 20) + 1]).contains("64 MB"));
    assert!(studio.refused(413, "POST", "jobs", &vec![b' '; (1 << 20) + 1]).contains("1 MB"));
    let nothing = json!({ "kind": "find", "subject": "s1" }).to_string();
    assert!(studio.refused(400, "POST", "jobs", nothing.as_bytes()).contains("no photos"));
    let draw = json!({ "kind": "draw", "prompt": "a {rex}", "subjects": [{ "subject": "s1" }] }).to_string();
    assert!(studio.refused(400, "POST", "jobs", draw.as_bytes()).contains("press Find"));
    assert!(studio.refused(400, "POST", "jobs", b"{\"kind\":\"draw\",\"prompt\":\"a {tom}\"}").contains("tom"));
    assert!(studio.refused(400, "POST", "packs?name=x.cones", b"no pack").contains("x.cones"));
    let photo = std::fs::read(models("subjects/fluent-dog/0.png")).expect("a picture");
    for _ in 0..2 {
        assert_eq!(studio.ask("POST", "subjects/s1/photos?name=0.png", &photo).status, 200);
    }
    let warnings = studio.get("subjects")[0]["warnings"].to_string();
    assert!(warnings.contains("two pictures only") && warnings.contains("nearly the same"), "{warnings}");
    let crop = |size: f64| json!({ "crop": { "x": 0.5, "y": 0.5, "size": size, "angle": 10.0 } });
    assert!(studio.refused(400, "PATCH", "subjects/s1/photos/p1", crop(0.0).to_string().as_bytes()).contains("size"));
    let before = studio.ask("GET", "subjects/s1/photos/p1/part.png", &[]).body;
    let cut = studio.send("PATCH", "subjects/s1/photos/p1", &crop(0.5));
    assert_eq!((&cut["photos"][0]["version"], &cut["photos"][0]["crop"]["size"]), (&json!(1), &json!(0.5)));
    assert_ne!(studio.ask("GET", "subjects/s1/photos/p1/part.png", &[]).body, before);
    // No file of this machine beyond what the studio shows.
    std::fs::write(desk.path().join("secret.png"), &photo).expect("a file");
    for path in [
        "jobs/../token",
        "jobs/j1/..%2f..%2fsecret.png",
        "jobs/%2e%2e/token",
        "gallery/..%2fsecret.png",
        "gallery/%2fetc%2fpasswd",
        "gallery/g1.png",
        "subjects/s1/photos/p1/subject.json",
        "subjects/s1/photos/p1/..%2f..%2fsubject.json",
        "subjects/..%2f..%2f/pack",
        "subjects/s9/finding",
        "token",
        "../token",
    ] {
        assert_eq!(studio.ask("GET", path, &[]).status, 404, "{path}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(desk.path()).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "photos are their owner's");
    }
    let second = cones_studio::StudioServer::open(&{
        let mut options = cones_studio::StudioOptions::new(cones_tests::base::folder(), desk.path());
        options.port = Some(0);
        options
    });
    assert!(second.is_err_and(|error| error.to_string().contains("another studio")));
}
