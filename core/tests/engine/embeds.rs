//! Embeddings in the place of prompts: those of the bundle's own text encoder draw what the words draw, to the byte.

use cones_core::{CancelToken, Error, GivenEmbeds, PromptEmbeds, Request, Scope};
use cones_tests::base;

use super::{request, subject};

/// What the bundle's own text encoder makes of a request's prompts, as an app would bring it along.
fn given(asked: &Request) -> GivenEmbeds {
    let mut all = base::shared().embeddings(asked).expect("embeddings").into_iter();
    let mut next = || PromptEmbeds::new(all.next().expect("one each"), Vec::new());
    if asked.guidance == Some(1.0) {
        return GivenEmbeds::new(next());
    }
    let negative = next();
    GivenEmbeds::new(next()).with_negative(negative)
}

/// The request with embeddings in the place of its words, of which nothing is left.
fn without_words(asked: &Request, embeds: GivenEmbeds) -> Request {
    let mut told = asked.clone().with_prompt_embeds(embeds);
    (told.prompt, told.negative_prompt, told.prompt_weights) = (String::new(), String::new(), false);
    told
}

#[test]
fn embeddings_of_the_prompts_draw_what_the_prompts_draw() {
    let plain = request("a dog on grass").with_negative_prompt("snow");
    let long = ["a dog"; 20].join(", ");
    let several_chunks = request(&long).with_prompt_weights();
    for asked in [plain.clone(), plain.with_guidance(1.0), several_chunks] {
        let told = without_words(&asked, given(&asked));
        let pictures = [&asked, &told].map(|request| base::draw(&mut base::engine(), request));
        assert_eq!(pictures[0], pictures[1], "{}", asked.prompt);
    }
}

#[test]
fn no_text_encoder_runs_and_the_same_embeddings_are_kept() {
    let asked = request("a dog on grass");
    let told = without_words(&asked, given(&asked));
    let mut engine = base::engine();
    let drawn = engine.generate(&told, &mut (), &CancelToken::new()).expect("a picture");
    assert!(drawn.timings.text.is_zero(), "{:?}", drawn.timings);
    let again = engine.generate(&told, &mut (), &CancelToken::new()).expect("a picture");
    assert!(again.timings.projecting.is_zero(), "{:?}", again.timings);
    let mut others = told.prompt_embeds.clone().expect("embeddings");
    let changed = others.prompt.prompt_embeds.iter().map(|number| number * 1.1).collect();
    others.prompt = PromptEmbeds::new(changed, Vec::new()).into();
    let other = engine.generate(&without_words(&asked, others), &mut (), &CancelToken::new()).expect("a picture");
    assert_ne!(other.pictures[0].picture, drawn.pictures[0].picture);

    let hash = |generated: &cones_core::Generated| generated.pictures[0].recipe.prompt_embeds_sha256;
    assert!(hash(&drawn).is_some() && hash(&drawn) == hash(&again) && hash(&drawn) != hash(&other));
    assert!(drawn.pictures[0].recipe.parameters().contains("Prompt embeds: "));
}

#[test]
fn a_subject_is_switched_on_where_the_app_says_that_its_words_stand() {
    let subject = subject(base::shared().bundle(), 1).on_trigger("dog");
    let asked = request("a dog on grass").with_subject(subject.clone());
    let words = base::shared().positions("a dog on grass", "dog", &[]).expect("positions");
    let told = without_words(&asked, given(&asked)).prompt_embeds.expect("embeddings");
    let placed = without_words(&asked, told.clone().with_words(&subject.name, words));
    let [wanted, found] = [&asked, &placed].map(|request| base::draw(&mut base::engine(), request));
    assert_eq!(wanted, found);
    let elsewhere = without_words(&asked, told.clone().with_words(&subject.name, vec![0]));
    assert_ne!(base::draw(&mut base::engine(), &elsewhere), wanted);

    // The whole prompt's rows take no words.
    let mut everywhere = asked.clone();
    everywhere.subjects[0].scope = Scope::Prompt;
    let [wanted, found] = [&everywhere, &without_words(&everywhere, told)].map(|r| base::draw(&mut base::engine(), r));
    assert_eq!(wanted, found);
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let asked = request("a dog");
    let good = given(&asked);
    let (length, width) = {
        let engine = base::shared();
        let manifest = engine.bundle().manifest();
        (manifest.text.max_length as usize, manifest.context_size() as usize)
    };
    let embeds = |numbers: usize| PromptEmbeds::new(vec![0.5; numbers], Vec::new());
    let refused = |told: GivenEmbeds, change: &dyn Fn(&mut Request), parts: &[&str]| {
        let mut bad = without_words(&asked, told);
        change(&mut bad);
        let error = base::shared().generate(&bad, &mut (), &CancelToken::new()).expect_err("unusable");
        assert!(matches!(error, Error::BadRequest { .. }), "{error}");
        parts.iter().for_each(|part| assert!(error.to_string().contains(part), "{error}"));
    };
    let unchanged = |_: &mut Request| ();
    let size = format!("{length} tokens of {width}");
    for wrong in [0, 1, length * width - 1, (length + 1) * width, 17 * length * width] {
        refused(GivenEmbeds::new(embeds(wrong)), &unchanged, &[&size, &wrong.to_string()]);
    }
    refused(GivenEmbeds::new(embeds(length * width)), &unchanged, &["negative prompt", "guidance"]);
    let longer = good.clone().with_negative(embeds(2 * length * width));
    refused(longer, &unchanged, &[&length.to_string(), &(2 * length).to_string(), "pad"]);
    let mut broken = embeds(length * width);
    broken.prompt_embeds[7] = f32::NAN;
    refused(good.clone().with_negative(broken), &unchanged, &["no number", "negative"]);
    let pooled = PromptEmbeds::new(vec![0.5; length * width], vec![1.0; 3]);
    refused(GivenEmbeds::new(pooled).with_negative(embeds(length * width)), &unchanged, &["3 pooled numbers"]);
    refused(good.clone(), &|r| r.prompt_weights = true, &["prompt_weights"]);
    refused(good.clone(), &|r| r.clip_skip = 1, &["clip_skip"]);
    refused(good.clone().with_words("nobody", vec![1]), &unchanged, &["`nobody`"]);

    let on = subject(base::shared().bundle(), 1).on_trigger("dog");
    let with_subject = |r: &mut Request| r.subjects = vec![on.clone()];
    refused(good.clone(), &with_subject, &[&on.name, "at which tokens"]);
    refused(good.with_words(&on.name, vec![length]), &with_subject, &[&on.name, &format!("token {length}")]);
}
