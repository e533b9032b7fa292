//! Who has a subject.

use std::sync::Arc;
use std::time::Duration;

use cones_fleet::clock::StoreClock;
use cones_fleet::lease::{Claim, Lease, Leases};
use cones_fleet::place::{Place, Places};
use tokio::time::{Instant, sleep, timeout};

use crate::rehearsal::Rehearsed;

const LEASE: Duration = Duration::from_secs(60);

async fn worker(place: &Place, name: &str) -> Leases {
    let clock = StoreClock::read(place, &format!("workers/{name}"), vec![]).await.expect("a clock");
    Leases::new(place.clone(), clock, name, LEASE)
}

fn won(claim: Claim) -> Lease {
    match claim {
        Claim::Won(lease) => lease,
        other => panic!("{other:?}"),
    }
}

async fn claim(leases: &Leases, claimed: bool) -> Claim {
    leases.claim("rex", claimed, 3).await.expect("the store answers")
}

#[tokio::test(start_paused = true)]
async fn a_claim_holds_while_it_is_kept_and_not_longer() {
    let (place, _) = Rehearsed::new(Duration::from_millis(10)).places().await;
    let (first, second) = (worker(&place, "a").await, worker(&place, "b").await);
    let mut lease = won(claim(&first, false).await);
    assert!(matches!(claim(&second, false).await, Claim::Busy(_)));
    // Ten leases later it is still the first one's.
    assert!(timeout(10 * LEASE, lease.keep()).await.is_err());
    assert!(matches!(claim(&second, true).await, Claim::Busy(_)));
    // Not kept, it runs out: after a lease, and not earlier.
    let (mut waited, began) = (0, Instant::now());
    let taken = loop {
        match claim(&second, true).await {
            Claim::Won(lease) => break lease,
            Claim::Busy(newest) => sleep(second.left(newest).max(Duration::from_millis(1))).await,
            worn => panic!("{worn:?}"),
        }
        waited += 1;
        assert!(waited < 100, "it never runs out");
    };
    assert!(began.elapsed() > LEASE * 2 / 3 - Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(taken.generation(), 2);
    // The first one notices, and gives up at once.
    timeout(Duration::from_secs(1), lease.keep()).await.expect("it gives up");
    assert!(matches!(claim(&first, true).await, Claim::Busy(newest) if newest.generation == 2));
}

#[tokio::test(start_paused = true)]
async fn an_owner_gives_up_before_another_can_take_over() {
    let store = Rehearsed::new(Duration::from_millis(10));
    let (place, _) = store.places().await;
    let (first, second) = (worker(&place, "a").await, worker(&place, "b").await);
    // At many moments within a second, for the store's times are in whole ones.
    for moment in 0..20u32 {
        sleep(Duration::from_millis(u64::from(moment) * 53)).await;
        let key = format!("subject-{moment}");
        let claimed = Instant::now();
        let lease = won(first.claim(&key, false, 3).await.expect("the store answers"));
        let runs_out = claimed + LEASE;
        let taken = loop {
            match second.claim(&key, true, 3).await.expect("the store answers") {
                Claim::Won(_) => break Instant::now(),
                Claim::Busy(newest) => sleep(second.left(newest).max(Duration::from_millis(1))).await,
                worn => panic!("{worn:?}"),
            }
        };
        assert!(taken >= runs_out, "{:?} too early", runs_out - taken);
        assert!(taken < runs_out + Duration::from_secs(3), "{:?} too late", taken - runs_out);
        drop(lease);
    }
}

#[tokio::test(start_paused = true)]
async fn claims_that_run_out_again_and_again_are_worn_out_and_say_why() {
    let (place, _) = Rehearsed::new(Duration::from_millis(10)).places().await;
    let leases = worker(&place, "a").await;
    for attempt in 1..=3 {
        let lease = won(claim(&leases, attempt > 1).await);
        assert_eq!(lease.generation(), attempt);
        if attempt == 3 {
            lease.abandon("the disk is full").await.expect("written");
        }
        sleep(LEASE + Duration::from_secs(2)).await;
    }
    assert!(matches!(claim(&leases, true).await, Claim::WornOut(3, Some(said)) if said == "the disk is full"));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_free_at_once_and_is_no_attempt() {
    let (place, _) = Rehearsed::new(Duration::from_millis(10)).places().await;
    let (first, second) = (worker(&place, "a").await, worker(&place, "b").await);
    won(claim(&first, false).await).release().await.expect("removed");
    assert_eq!(won(claim(&second, true).await).generation(), 1);
    assert_eq!(second.all().await.expect("a listing").len(), 1);
}

/// Many at once, on the disk, where nothing but the file system decides.
#[tokio::test]
async fn of_many_who_claim_at_once_one_wins_each_subject() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Places::default().open(folder.path().to_str().expect("a path")).expect("a place");
    let place = Arc::new(place);
    let all: Vec<_> = (0..8)
        .map(|i| {
            let place = Arc::clone(&place);
            tokio::spawn(async move {
                let leases = worker(&place, &format!("w{i}")).await;
                let mut own = 0;
                for subject in 0..20 {
                    let claim = leases.claim(&format!("s{subject}"), false, 3).await.expect("the disk answers");
                    own += u32::from(matches!(claim, Claim::Won(_)));
                }
                own
            })
        })
        .collect();
    let mut sum = 0;
    for one in all {
        sum += one.await.expect("it ends");
    }
    assert_eq!(sum, 20);
}
