"""Smoke test of the bindings through the Python that UniFFI generates. Standard library only.

`cargo xtask test` runs it; what it is given is listed in xtask/src/host/mod.rs. About 15 s of computing.
"""

import contextlib
import ctypes
import gc
import os
import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.environ["CONES_BINDINGS"], "python"))

import cones  # noqa: E402
from cones import ConesError  # noqa: E402

BUNDLE = os.environ["CONES_BUNDLE"]
FIXTURE = pathlib.Path(os.environ["CONES_FIXTURE"])
CATALOG = os.environ["CONES_CATALOG"]
KEY = os.environ["CONES_KEY"]
PACK = "fluent-dog"


class Acting(cones.Listener):
    """Keeps what it is told, then acts."""

    def __init__(self, act=lambda progress: None):
        self.seen = []
        self.act = act

    def on_progress(self, progress):
        self.seen.append(progress)
        self.act(progress)

    def on_picture(self, index, picture):
        return False


class Taking(cones.Listener):
    """Keeps each picture it is given; fails at `fails_at`."""

    def __init__(self, fails_at=None):
        self.given = []
        self.fails_at = fails_at

    def on_progress(self, progress):
        pass

    def on_picture(self, index, picture):
        if index == self.fails_at:
            raise OSError("a full disk")
        self.given.append((index, picture))
        return True


class Downloading(cones.DownloadListener):
    def __init__(self, act=lambda progress: None):
        self.seen = []
        self.act = act

    def on_received(self, progress):
        self.seen.append(progress)
        self.act(progress)


class Lists(cones.QueueListener):
    """Keeps the lists it is told, and fails each time."""

    def __init__(self):
        self.seen = []
        self.told = threading.Condition()

    def on_change(self, list):
        with self.told:
            self.seen.append(list)
            self.told.notify_all()
        raise OSError("a full disk")

    def wait_for(self, wanted):
        """The first list that is so."""
        with self.told:
            self.told.wait_for(lambda: any(map(wanted, self.seen)), timeout=60)
            return next(filter(wanted, self.seen))


class Lines(cones.LogSink):
    """A host's log that fails each time, after it has kept the line."""

    def __init__(self):
        self.lines = []

    def log(self, record):
        self.lines.append(record)
        raise OSError("a full disk")


def open_engine(path=BUNDLE, packs=None):
    """One thread, as the command was told: what shares two cores with others waits less."""
    return cones.Engine.open(path, packs, cones.EngineOptions(threads=1))


def request(steps, **more):
    return cones.Request(prompt="a dog on grass", steps=steps, seed=7, **more)


def pixels(generated):
    return generated.pictures[0].rgba()


def as_drawn(recipe):
    """The request that a recipe came from."""
    return cones.Request(
        prompt=recipe.typed_prompt,
        negative_prompt=recipe.typed_negative_prompt,
        subjects=[
            cones.SubjectChoice(name=s.name, strength=s.strength, scope=cones.Scope[s.scope.upper()])
            for s in recipe.subjects
        ],
        steps=recipe.steps,
        guidance=recipe.guidance,
        seed=recipe.seed,
        width=recipe.width,
        height=recipe.height,
        prompt_weights=recipe.prompt_weights,
        variation=recipe.variation,
        hires=recipe.hires,
    )


class Bindings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = Lines()
        config = cones.InitConfig(
            log_level=cones.LogLevel.DEBUG, runtime_library=os.environ["ORT_DYLIB_PATH"]
        )
        cones.initialize(config, cls.log)
        cls.engine = open_engine()

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    if not hasattr(unittest.TestCase, "enterContext"):  # Python 3.10 and older

        def enterContext(self, manager):
            stack = contextlib.ExitStack()
            self.addCleanup(stack.close)
            return stack.enter_context(manager)

    def store(self):
        return cones.PackStore.open(str(self.folder / "packs"))

    def assert_same_as_the_command(self, generated, name):
        expected = FIXTURE / name
        saved = self.folder / name
        generated.pictures[0].save(str(saved))
        self.assertEqual(saved.read_bytes(), expected.read_bytes())
        self.assertEqual(pixels(generated), cones.Picture.open(str(expected)).rgba())

    def test_initialize_once_and_log_to_the_host(self):
        with self.assertRaises(ConesError.AlreadyInitialized):
            cones.initialize(cones.InitConfig())
        cones.device_report()
        # It failed each time, and was asked again all the same.
        self.assertTrue(any(line.target.startswith("cones_core") for line in self.log.lines))
        for line in self.log.lines:
            if line.level not in (cones.LogLevel.DEBUG, cones.LogLevel.TRACE):
                self.assertNotIn("on grass", line.text)
                self.assertNotIn(str(self.folder), line.text)

    def test_open_reports_the_bundle(self):
        info = self.engine.info()
        self.assertEqual(info, cones.bundle_info(BUNDLE))
        self.assertEqual((info.name, info.width), ("toybox", info.height))
        self.assertEqual(len(info.fingerprint), 64)
        cones.verify_bundle(BUNDLE)
        providers = {p.name: p for p in cones.device_report().providers}
        self.assertTrue(providers["cpu"].available)
        self.assertTrue(providers["nnapi"].reason and providers["nnapi"].hint)

    def test_generate_draws_the_same_picture_as_the_command(self):
        recipe = cones.read_recipe(str(FIXTURE / "base.png"))
        generated = self.engine.generate(as_drawn(recipe))
        self.assert_same_as_the_command(generated, "base.png")
        self.assertEqual(generated.pictures[0].recipe(), recipe)

    def test_embeddings_stand_in_the_place_of_prompts(self):
        info = self.engine.info()
        numbers = bytes(4 * info.text_length * info.context_size)
        nothing = cones.PromptEmbeds(prompt_embeds=numbers, pooled_prompt_embeds=b"")
        given = cones.GivenEmbeds(prompt=nothing, negative=nothing)
        request = cones.Request(prompt="words for people", prompt_embeds=given, steps=1)
        drawn = self.engine.generate(request)
        recipe = drawn.pictures[0].recipe()
        self.assertEqual((len(recipe.prompt_embeds_sha256), recipe.prompt), (64, "words for people"))
        short = cones.GivenEmbeds(prompt=cones.PromptEmbeds(prompt_embeds=numbers[:-2], pooled_prompt_embeds=b""))
        with self.assertRaises(ConesError.BadRequest):
            self.engine.generate(cones.Request(prompt="", prompt_embeds=short, steps=1))

    def test_words_are_drawn_in_their_boxes(self):
        box = cones.WordBox(words="dog", left=0.5, top=0.0, right=1.0, bottom=1.0)
        boxed = self.engine.generate(cones.Request(prompt="a dog on grass", steps=2, boxes=[box]))
        self.assertEqual(boxed.pictures[0].recipe().boxes, [box])
        self.assertNotEqual(pixels(boxed), pixels(self.engine.generate(cones.Request(prompt="a dog on grass", steps=2))))
        with self.assertRaises(ConesError.BadRequest):
            self.engine.generate(cones.Request(prompt="a cat", steps=1, boxes=[box]))

    def test_things_apart_have_a_part_of_the_picture_each(self):
        left, right = cones.boxes_apart(["{rex}", "a cat"])
        self.assertEqual((left.words, left.right, right.left, right.bottom), ("{rex}", 0.5, 0.5, 0.75))
        self.assertEqual(cones.boxes_apart(["{rex}"]), [])

    def test_progress_comes_in_order(self):
        listener = Acting()
        self.engine.generate(request(3, count=2), listener)
        stage = cones.Stage
        each = [(stage.DENOISING, 1), (stage.DENOISING, 2), (stage.DENOISING, 3), (stage.DECODING, 3), (stage.FINISHED, 3)]
        expected = [(stage.PREPARING, 0, 0)] + [(s, picture, step) for picture in (0, 1) for s, step in each]
        self.assertEqual([(p.stage, p.picture, p.step) for p in listener.seen], expected)
        self.assertTrue(all((p.pictures, p.steps, p.preview) == (2, 3, None) for p in listener.seen))

    def test_pictures_come_one_by_one(self):
        three = request(2, count=3)
        drawn = [picture.rgba() for picture in self.engine.generate(three).pictures]
        taking = Taking()
        generated = self.engine.generate(three, taking)
        self.assertEqual(generated.pictures, [])
        self.assertEqual([index for index, _ in taking.given], [0, 1, 2])
        self.assertEqual([picture.rgba() for _, picture in taking.given], drawn)
        # Who cannot take one stops the others, and has what came.
        failing = Taking(fails_at=1)
        with self.assertRaises(cones.ConesError.ListenerFailed):
            self.engine.generate(three, failing)
        self.assertEqual([picture.rgba() for _, picture in failing.given], drawn[:1])

    def test_preview_has_the_size_announced(self):
        info = self.engine.info()
        listener = Acting()
        self.engine.generate(request(4, width=2 * info.width, preview_every=2), listener)
        shown = [(p.step, p.preview) for p in listener.seen if p.preview]
        self.assertEqual([step for step, _ in shown], [2, 4])
        for _, preview in shown:
            size = (2 * info.width // info.preview_scale, info.height // info.preview_scale)
            self.assertEqual((preview.width, preview.height), size)
            self.assertEqual(len(preview.rgba), 4 * preview.width * preview.height)

    def test_cancel_stops_within_a_step_and_leaves_the_engine_usable(self):
        before = pixels(self.engine.generate(request(3)))
        cancel = cones.CancelToken()
        begun = threading.Event()
        late = []

        def act(progress):
            if cancel.is_cancelled():
                late.append(progress)
            if progress.step == 2:
                begun.set()

        thread = threading.Thread(target=lambda: begun.wait() and cancel.cancel())
        thread.start()
        with self.assertRaises(ConesError.Cancelled):
            self.engine.generate(request(900), Acting(act), cancel)
        thread.join()
        # The step that was ending, at the most.
        self.assertLessEqual(len(late), 1)
        self.assertEqual(pixels(self.engine.generate(request(3))), before)

    def test_errors_tell_their_kind(self):
        with self.assertRaises(ConesError.BadBundle) as caught:
            cones.Engine.open(str(self.folder))
        self.assertIn(str(self.folder), caught.exception.details)
        self.assertTrue(caught.exception.reason and caught.exception.hint)
        with self.assertRaises(ConesError.BadRequest) as caught:
            self.engine.generate(request(0))
        self.assertEqual(caught.exception.details, "steps")
        with self.assertRaises(ConesError.ProviderUnavailable):
            cones.Engine.open(BUNDLE, None, cones.EngineOptions(provider=cones.Provider.NNAPI))
        with self.assertRaises(ConesError.Io):
            cones.Picture.open(str(self.folder / "nothing.png"))
        with self.assertRaises(ConesError.BadPicture):
            cones.read_recipe(str(FIXTURE / f"{PACK}.cones"))
        with self.assertRaises(ConesError.BadPack):
            self.store().install_file(str(FIXTURE / "base.png"))
        with self.assertRaises(ConesError.Untrusted):
            self.store().fetch_catalog(CATALOG, "no key")
        with self.assertRaises(ConesError.Network):
            self.store().fetch_catalog(CATALOG + ".nothing", KEY)

    def test_packs_install_list_verify_remove(self):
        store = self.store()
        file = str(FIXTURE / f"{PACK}.cones")
        self.assertEqual(store.list(), [])
        info = store.install_file(file, BUNDLE)
        self.assertEqual((info.name, info.subject_class, info.trigger), (PACK, "dog", "<v1> dog"))
        self.assertEqual(cones.read_pack(file).sha256, info.sha256)
        self.assertEqual(store.list(), [info])
        self.assertEqual(store.verify(), [])
        with open(info.path, "r+b") as damaged:
            damaged.write(b"something else")
        self.assertEqual([d.pack.name for d in store.verify()], [PACK])
        self.assertTrue(store.remove(PACK))
        self.assertFalse(store.remove(PACK))
        with self.assertRaises(ConesError.NotFound):
            store.get(PACK)

    def test_a_pack_from_a_local_catalogue_is_drawn(self):
        store = self.store()
        catalog = store.fetch_catalog(CATALOG, KEY)
        self.assertEqual([p.name for p in catalog.packs()], [PACK])
        listener = Downloading()
        info = store.install(catalog, PACK, BUNDLE, listener)
        self.assertEqual((listener.seen[-1].bytes, listener.seen[-1].total), (info.bytes, info.bytes))
        engine = open_engine(BUNDLE, store)
        recipe = cones.read_recipe(str(FIXTURE / "subject.png"))
        self.assertEqual(recipe.subjects[0].pack_sha256, info.sha256)
        self.assert_same_as_the_command(engine.generate(as_drawn(recipe)), "subject.png")
        # By its name in the prompt, as the command was asked.
        named = cones.Request(
            prompt=f"a {{{PACK}}} on grass",
            subjects=[cones.SubjectChoice(name=PACK)],
            steps=recipe.steps,
            seed=recipe.seed,
        )
        self.assert_same_as_the_command(engine.generate(named), "subject.png")
        # Off again, exactly.
        base = engine.generate(as_drawn(cones.read_recipe(str(FIXTURE / "base.png"))))
        self.assert_same_as_the_command(base, "base.png")

    def test_a_base_model_from_a_local_catalogue_draws_the_same(self):
        catalog = self.store().fetch_catalog(CATALOG, KEY)
        self.assertEqual([b.name for b in catalog.bundles()], ["toybox"])
        bundles = cones.BundleStore.open(str(self.folder / "bundles"))
        listener = Downloading()
        path = bundles.install(catalog, "toybox", listener)
        self.assertEqual(listener.seen[-1].bytes, listener.seen[-1].total)
        self.assertEqual([(b.name, b.path) for b in bundles.list()], [("toybox", path)])
        engine = open_engine(path)
        recipe = cones.read_recipe(str(FIXTURE / "base.png"))
        self.assert_same_as_the_command(engine.generate(as_drawn(recipe)), "base.png")
        self.assertTrue(bundles.remove("toybox"))

    def test_a_throwing_listener_stops_cleanly(self):
        def fail(progress):
            raise ValueError("on purpose")

        before = pixels(self.engine.generate(request(3)))
        listener = Acting(fail)
        with self.assertRaises(ConesError.ListenerFailed) as caught:
            self.engine.generate(request(3), listener)
        self.assertIn("on purpose", caught.exception.reason)
        self.assertEqual(len(listener.seen), 1)
        self.assertEqual(pixels(self.engine.generate(request(3))), before)
        store = self.store()
        catalog = store.fetch_catalog(CATALOG, KEY)
        with self.assertRaises(ConesError.ListenerFailed):
            store.install(catalog, PACK, None, Downloading(fail))
        self.assertEqual(store.list(), [])

    def test_a_listener_that_calls_back_is_told_that_the_engine_is_busy(self):
        answers = []

        def act(progress):
            try:
                self.engine.generate(request(1))
            except ConesError.Busy as error:
                answers.append(error.hint)

        self.engine.generate(request(1), Acting(act))
        self.assertEqual(len(answers), 4)

    def test_threads_queue_and_draw_what_they_would_draw_alone(self):
        alone = [pixels(self.engine.generate(request(2, guidance=1.0 + seed))) for seed in range(3)]
        drawn = [None] * 3

        def draw(seed):
            drawn[seed] = pixels(self.engine.generate(request(2, guidance=1.0 + seed)))

        threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(drawn, alone)

    def test_a_queue_draws_in_order_and_an_error_stops_no_other(self):
        alone = pixels(self.engine.generate(request(3)))
        lists = Lists()
        queue = cones.Queue.open(self.engine, cones.QueueOptions(paused=True), lists)
        single, broken, pair = (queue.add(r) for r in (request(3), request(0), request(2, count=2)))
        queue.move_to(pair, 0)
        self.assertEqual([entry.id for entry in queue.list().entries], [pair, single, broken])
        queue.resume()
        failed = queue.wait(broken)
        self.assertEqual(failed.state, cones.QueueState.FAILED)
        self.assertIsInstance(failed.failure, ConesError.BadRequest)
        self.assertEqual(failed.failure.details, "steps")
        self.assertEqual([picture.recipe().seed for picture in queue.take(pair)], [7, 8])
        self.assertEqual(queue.take(pair), [], "given once")
        self.assertEqual(queue.take(single)[0].rgba(), alone)
        last = lists.wait_for(lambda list: list.revision >= queue.list().revision)
        self.assertEqual([entry.id for entry in last.entries], [pair, single, broken])

    def test_what_is_being_drawn_shows_its_progress_and_can_be_cancelled(self):
        lists = Lists()
        queue = cones.Queue.open(self.engine, cones.QueueOptions(), lists)
        long = queue.add(request(900, preview_every=1))
        lists.wait_for(lambda list: any(e.progress and e.progress.preview for e in list.entries))
        self.assertTrue(queue.cancel(long))
        stopped = queue.wait(long)
        self.assertEqual((stopped.state, stopped.progress), (cones.QueueState.CANCELLED, None))
        self.assertFalse(queue.cancel(long))
        queue.remove(long)
        with self.assertRaises(ConesError.NotFound):
            queue.wait(long)
        # Python aborts the process if it ends while somebody is being told.
        lists.wait_for(lambda list: list.revision >= queue.list().revision)

    def test_a_picture_of_the_host_can_be_started_from(self):
        rgba = pixels(self.engine.generate(request(2)))
        side = self.engine.info().width
        picture = cones.Picture.from_rgba(side, side, rgba)
        self.assertEqual(picture.rgba(), rgba)
        init = cones.InitPicture(picture=picture, strength=0.5)
        again = self.engine.generate(request(4, init=init)).pictures[0]
        self.assertEqual(again.recipe().init.strength, 0.5)
        self.assertEqual((again.width(), again.height()), (side, side))
        strip = cones.Inpaint(feather=2, outpaint=cones.Margins(right=side // 2))
        init = cones.InitPicture(picture=picture, strength=1.0, inpaint=strip)
        wide = self.engine.generate(request(4, init=init)).pictures[0]
        self.assertEqual((wide.width(), wide.height()), (side + side // 2, side))
        self.assertEqual(wide.recipe().init.inpaint.outpaint.right, side // 2)

    @unittest.skipUnless(hasattr(ctypes.CDLL(None), "mallinfo2"), "the C library does not count its heap")
    def test_many_generations_do_not_grow_memory(self):
        def draw(times):
            for seed in range(times):
                asked = cones.Request(prompt="a dog on grass", steps=1, guidance=1.0, seed=seed, preview_every=1)
                yield self.engine.generate(asked, Acting())

        def growth(times, keep):
            before = live_bytes()
            kept = [generated for generated in draw(times) if keep]
            return live_bytes() - before + 0 * len(kept)

        growth(10, keep=False)
        one = 3 * self.engine.info().width ** 2
        self.assertGreater(growth(20, keep=True), 20 * one, "what is kept is seen")
        self.assertLess(growth(100, keep=False), 10 * one)


class Mallinfo2(ctypes.Structure):
    """glibc's count of its heap."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def live_bytes():
    """What is allocated and not freed. Resident memory would say less: free room inside the heap hides a leak."""
    gc.collect()
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo2
    counted = mallinfo2()
    return counted.uordblks + counted.hblkhd


def main():
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    failed = len(result.failures) + len(result.errors)
    passed = result.testsRun - failed - len(result.skipped)
    # The line that `cargo xtask test` adds up.
    verdict = "ok" if result.wasSuccessful() else "FAILED"
    print(f"test result: {verdict}. {passed} passed; {failed} failed; {len(result.skipped)} ignored; Python", flush=True)
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
