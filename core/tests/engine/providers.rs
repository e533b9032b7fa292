//! Providers that are not there say why; `auto` finds one that is.

use cones_core::{Engine, Error, Provider};
use cones_tests::base;
use cones_tests::psnr::psnr;

use super::request;

fn engine(provider: Provider) -> cones_core::Result<Engine> {
    Engine::new(base::bundle(), base::options().with_provider(provider))
}

#[test]
fn an_absent_provider_is_an_error_with_reason_and_hint() {
    for provider in [Provider::Cuda, Provider::CoreMl, Provider::Xnnpack, Provider::Nnapi] {
        match engine(provider) {
            Err(Error::ProviderUnavailable { provider: name, reason, hint, .. }) => {
                assert_eq!(name, provider.name());
                assert!(!reason.is_empty() && !hint.is_empty());
                println!("{name}: {reason}");
            }
            Err(other) => panic!("{provider}: {other}"),
            Ok(_) => println!("skipped: {provider} is available here"),
        }
    }
}

#[test]
fn every_provider_that_is_there_draws_the_cpus_picture() {
    let expected = base::draw(&mut base::shared(), &request("a dog on grass"));
    for provider in Provider::ALL {
        let Ok(mut engine) = engine(provider) else {
            println!("skipped: {provider} is not available here");
            continue;
        };
        let likeness = psnr(&base::draw(&mut engine, &request("a dog on grass")), &expected);
        println!("{provider}: {likeness:.2} dB");
        assert!(likeness >= 30.0, "{provider}: {likeness} dB");
    }
}

#[test]
fn zero_threads_are_refused() {
    let options = base::options().with_threads(0);
    assert!(matches!(Engine::new(base::bundle(), options), Err(Error::BadRequest { field: "threads", .. })));
}
