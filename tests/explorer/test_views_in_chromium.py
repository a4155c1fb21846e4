"""Every view of the explorer's page, driven as a reader would: by clicks, by keys alone, by links, on a phone."""

import re

import pytest
import torch
from torch.nn import functional as F

pytestmark = pytest.mark.browser

LINKS = [
    *("#family", "#family=params&with=r3d", "#network=r3d", "#network=r3d&with=mc3", "#network=p3d63&with=c3d"),
    *("#network=stacked,2d,3d,2d,2d", "#block=r2plus1d&group=2&with=blog_r2plus1d", "#block=p3d63&group=1&block=2"),
    *("#conv=2d", "#conv=3d", "#conv=2+1d", "#conv=p3d-a", "#conv=p3d-b", "#conv=p3d-c", "#conv=stacked"),
    *("#matching=64-64", "#matching=3-64-3-7&mid=45", "#time=r3d", "#time=f_r2d:gru", "#time=p3d63", "#learnt=r3d"),
    "#network=r3d&tour=1",
]


def title(page):
    return page.locator(".title").inner_text()


def said(page):
    return page.locator(".say").inner_text()


def products(text):
    """The terms of "9×−1=−9" as numbers."""
    plain = text.replace("−", "-")
    return [tuple(map(int, term)) for term in re.findall(r"(-?\d+)×(-?\d+)=(-?\d+)", plain)]


def number(text):
    return int(text.replace("−", "-").replace(",", ""))


def test_click_down_to_one_value_that_adds_up_and_escape_back(open_page):
    page = open_page()
    page.locator('[data-focus="row-r3d"]').click()
    assert title(page) == "R3D"
    assert "33,371,472 parameters" in said(page)
    page.locator('[data-focus="network-2"]').click()
    assert title(page) == "R3D, conv3_x"
    assert page.locator(".flow").first.inner_text().startswith("64×16×56×56")
    page.locator('[data-focus="layer2.0.conv1.0"]').click()
    assert title(page).startswith("A 3D convolution")
    terms = products(" ".join(page.locator(".nine").all_inner_texts()))
    assert len(terms) == 27
    assert all(pixel * weight == product for pixel, weight, product in terms)
    assert sum(product for *_, product in terms) == number(page.locator(".value").inner_text())
    for view in ("R3D, conv3_x", "R3D", "How convolutional networks see time"):
        page.keyboard.press("Escape")
        assert title(page) == view
    assert page.evaluate("document.activeElement.dataset.focus") == "row-r3d"
    page.go_back()
    assert title(page) == "R3D"
    assert page.problems == []


def test_every_convolution_writes_what_torch_makes_of_the_same_numbers(open_page):
    page = open_page()
    kinds = "() => [explorer.clips.CLIPS.fall, explorer.clips.kernel3d('motion')]"
    x, whole = (torch.tensor(numbers).float()[None, None] for numbers in page.evaluate(kinds))
    pairs = page.evaluate("() => explorer.clips.KERNELS.motion.slice(0, 2)")
    (s1, t1), (s2, t2) = [[torch.tensor(numbers).float() for numbers in pair] for pair in pairs]
    stacked = whole[:, :, [0, 0, 0, 1, 1, 1, 2, 2]]  # early, middle and late frames

    def space(kernel):
        return F.conv3d(x, kernel[None, None, None], padding=(0, 1, 1))

    def time(kernel, y):
        return F.conv3d(y, kernel[None, None, :, None, None], padding=(1, 0, 0))

    for relu, bend in (("on", torch.relu), ("off", lambda y: y)):
        expected = {
            "2d": space(s1),
            "3d": F.conv3d(x, whole, padding=1),
            "2+1d": time(t1, bend(space(s1))) + time(t2, bend(space(s2))),
            "p3d-a": bend(time(t1, bend(space(s1)))),
            "p3d-b": bend(space(s1)) + bend(time(t1, x)),
            "p3d-c": bend(space(s1)) + bend(time(t1, bend(space(s1)))),
            "stacked": F.conv3d(x, stacked, padding=(0, 1, 1)),
        }
        if relu == "off":  # two linear maps in a row are one
            assert torch.equal(expected["2+1d"], expected["3d"])
        for kind, out in expected.items():
            for t, i, j in ((2, 3, 5), (0, 0, 0), (7, 7, 3), (4, 4, 4)):
                t = 0 if kind == "stacked" else t
                page.evaluate("(link) => explorer.show(link)", f"#conv={kind}&relu={relu}&clip=fall&t={t}&y={i}&x={j}")
                assert number(page.locator(".value").inner_text()) == out[0, 0, t, i, j], (kind, relu, t, i, j)
                terms = products(" ".join(page.locator(".nine").all_inner_texts()))
                assert all(pixel * weight == product for pixel, weight, product in terms)


def test_the_kernel_plays_pauses_steps_and_is_dragged(open_page):
    page = open_page("#conv=3d&t=3&y=4&x=4")
    place = "() => ['t', 'y', 'x'].map((key) => new URLSearchParams(explorer.link.slice(1)).get(key))"
    before = said(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Pause").click()
    assert said(page) != before
    now = said(page)
    page.get_by_role("button", name="Step forward").click()
    assert said(page) != now
    page.get_by_role("button", name="Step back").click()
    assert said(page) == now
    target = page.locator('[data-frame="6"]').first
    target.locator("canvas").click(position={"x": 20, "y": 20})
    assert page.evaluate(place)[0] == "6"
    box = page.locator('[data-frame="1"]').first.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 30, steps=4)
    page.mouse.up()
    assert page.evaluate(place)[0] == "1"
    assert page.problems == []


def test_two_networks_are_compared_and_what_differs_is_marked(open_page):
    page = open_page("#network=r3d&with=mc3")
    assert "MC3 has 0.35 times the parameters of R3D and takes 1.065 times its multiply-adds" in said(page)
    assert page.locator(".band").count() == 2
    first, second = (page.locator(".band").nth(place) for place in (0, 1))
    assert first.locator(".differs").count() == second.locator(".differs").count() > 0
    second.locator("select.kind").nth(2).select_option("3d")
    assert title(page) == "R3D beside MC4"
    for place in (3, 4):
        second.locator("select.kind").nth(place).select_option("3d")
    assert title(page) == "R3D beside R3D"
    assert page.locator(".differs").count() == 0
    assert page.problems == []


def test_what_cannot_be_built_is_drawn_up_to_the_group_that_fails(open_page):
    page = open_page("#network=stacked,2d,3d,2d,2d")
    assert page.locator(".stage").count() == 4  # the clip, two groups, the reason
    assert "choose 2D after it" in page.locator(".failed").inner_text()
    page.locator(".failed select").select_option("2d")
    assert title(page) == "R2D"
    page.evaluate("explorer.show('#network=3d,3d,<b>,2d,2d')")
    assert "means nothing here" in page.locator(".problem").inner_text()
    page.evaluate("explorer.show('#network=3d,3d,4d,2d,2d')")
    assert "there is no kind “4d”" in page.locator(".failed").inner_text()
    assert page.problems == []


def test_a_bad_link_is_said_in_place_and_the_picture_stays(open_page):
    page = open_page("#network=mc3")
    for link in ("#nowhere=1", "#conv=4d", "#conv=3d&t=soon", "#time=r3d&clip=<img src=x>", "#network=%E0%A4%A"):
        page.evaluate("(link) => explorer.show(link)", link)
        assert page.locator(".problem").is_visible()
        assert title(page) == "MC3"
    page.get_by_role("button", name="Close").click()
    assert page.locator(".problem").count() == 0
    assert page.problems == []


def test_the_tour_to_its_end(open_page):
    page = open_page()
    page.get_by_role("button", name="Tour").click()
    titles = set()
    for step in range(1, 11):
        card = page.locator(".tour")
        assert f"Step {step} of 10" in card.inner_text()
        titles.add(title(page))
        card.locator(".terms button").first.click()
        card.get_by_role("button", name="Reveal").click()
        assert card.get_by_role("status").inner_text().startswith(("Right.", "Not so."))
        card.get_by_role("button", name="Next" if step < 10 else "Finish").click()
    assert page.locator(".tour").count() == 0
    assert len(titles) >= 5
    assert title(page) == "Two kernels for the price of one"
    assert page.problems == []


def press_to(page, wanted, key="Tab", most=120):
    """Press Tab until the focus is on what has this text or name."""
    for _ in range(most):
        page.keyboard.press(key)
        here = page.evaluate(
            "() => { const e = document.activeElement; return e.dataset.focus ?? e.ariaLabel ?? e.innerText; }"
        )
        if here and wanted in here:
            return
    raise AssertionError(f"Tab never came to {wanted!r}")


def test_the_keyboard_alone_reaches_one_value_and_keeps_its_focus(open_page):
    page = open_page()
    press_to(page, "row-mc3")
    page.keyboard.press("Enter")
    assert title(page) == "MC3"
    press_to(page, "Kind of conv3_x")
    page.keyboard.press("ArrowDown")  # 2D → 3D
    page.wait_for_function("document.querySelector('.title').textContent === 'MC4'")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    press_to(page, "network-1", key="Shift+Tab")
    page.keyboard.press("Enter")
    press_to(page, "layer1.0.conv1.0")
    page.keyboard.press("Enter")
    press_to(page, "Films.")
    before = said(page)
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    assert said(page) != before
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    for _ in range(3):
        page.keyboard.press("Escape")
    assert title(page) == "How convolutional networks see time"
    assert page.problems == []


@pytest.mark.parametrize("width", [1280, 768, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_nothing_scrolls_sideways(open_page, width, scheme):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    outside = """() => [...document.querySelectorAll(".ex *")].filter((el) => {
        const box = el.getBoundingClientRect();
        return box.width && (box.right > innerWidth + 1 || box.left < -1);
    }).map((el) => `${el.tagName} ${el.className}`)"""
    for language in ("en", "zh"):
        for link in LINKS:
            page.evaluate("(link) => explorer.show(link)", f"{link}&lang={language}")
            assert page.locator(".problem").count() == 0, link
            assert said(page), link
            assert page.evaluate(outside) == [], (link, language)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (link, language)
    background = page.evaluate("getComputedStyle(document.querySelector('.ex')).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 24, 29)")
    assert page.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_view(open_page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    for link in LINKS:
        page.evaluate("(link) => explorer.show(link)", link)
        found = axe.run(page).response["violations"]
        bad = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert bad == [], link


def test_a_reload_keeps_the_view_and_tabs_do_not_disturb_each_other(open_page):
    first = open_page("#network=mc3")
    second = first.context.new_page()
    second.goto(first.url)
    second.evaluate("explorer.show('#time=r3d')")
    assert title(first) == "MC3"
    first.locator("select").nth(2).select_option("34")
    first.wait_for_function("location.hash.includes('depth=34')")
    before = said(first)
    first.reload()
    first.wait_for_function("window.explorer")
    assert (title(first), said(first)) == ("MC3", before)
    assert title(second).startswith("R3D: which frames")
    assert first.problems == []


def test_two_networks_stand_whole_on_a_projector(open_page):
    page = open_page("#network=r3d&with=mc3")
    assert page.locator(".bands").evaluate("(el) => el.getBoundingClientRect().bottom") <= 800
    names = page.locator(".bars li > span:first-child")
    assert names.evaluate_all("(all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText)") == []


def test_what_trained_networks_learnt_and_a_file_of_another_version(open_page):
    page = open_page("#learnt=f_r2d&order=reversed")
    assert "the same answer" in said(page)
    page.evaluate("explorer.show('#learnt=r2plus1d&order=reversed')")
    assert "sees the order of the frames" in said(page)
    assert page.locator(".kernels canvas").count() == 11  # M of a stem of 16 channels
    page.evaluate("explorer.give({ learnt: { version: 99 } })")
    assert "version 99; this page reads version 1" in said(page)
    assert page.problems == []


def test_a_picture_follows_its_control_within_50_milliseconds(open_page):
    page = open_page()
    for link in LINKS:
        page.evaluate("(link) => explorer.show(link)", link)
        spent = page.evaluate("""async () => {
            const spent = [];
            for (let i = 0; i < 7; i++) {
                const begin = performance.now();
                explorer.give({});
                document.body.getBoundingClientRect();
                spent.push(performance.now() - begin);
                await new Promise(requestAnimationFrame);
            }
            return spent.sort((a, b) => a - b);
        }""")
        assert spent[3] < 50, link


def test_the_page_is_alive_inside_another_page(chromium, tmp_path):
    from r2p1d_edu.lab.explorer.bundle import frame

    path = tmp_path / "lesson.html"
    path.write_text(f"<!doctype html><html lang='en'><body>{frame('#network=mc3')}</body></html>", "utf-8")
    page = chromium.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    inside = page.frame_locator("iframe")
    assert inside.locator(".title").inner_text() == "MC3"
    inside.locator('[data-focus="network-1"]').click()
    assert inside.locator(".title").inner_text() == "MC3, conv2_x"
    page.close()
    assert problems == []


def test_dark_or_light_is_followed_and_painted_again(open_page):
    page = open_page("#conv=3d&t=7&y=7&x=7", color_scheme="light")
    corner = (
        """() => Array.from(document.querySelectorAll("canvas")[15].getContext("2d").getImageData(1, 1, 1, 1).data)"""
    )
    light = page.evaluate(corner)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)
    assert page.evaluate(corner) != light
    assert page.problems == []


def test_in_every_language_every_word_is_there(open_page):
    page = open_page()
    words = page.evaluate("explorer.words")
    for key, (english, chinese) in words.items():
        assert english, key
        assert chinese, key
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese)), key


def test_the_module_is_small():
    from r2p1d_edu.lab.explorer import bundle

    assert len(bundle.module().encode()) + len(bundle.css().encode()) <= 150_000
    python = list(bundle.HERE.glob("*.py"))
    assert sum(len(path.read_text("utf-8").splitlines()) for path in python) <= 300
    assert bundle.RECORDING.stat().st_size <= 1_500_000
