"""What the settings are called on pages: the very sentences of the model, so that they can be translated."""

from __future__ import annotations

from collections.abc import Mapping

from imageserver.web.words import N_

GROUP_TITLES: Mapping[str, str] = {
    "new pictures": N_("New pictures"),
    "on the wall": N_("On the wall"),
    "store": N_("Store"),
    "providers": N_("Providers"),
    "log and language": N_("Log and language"),
    "network and access": N_("Network and access"),
}

# A test compares them with config/model.py.
SENTENCES = (
    N_("How much the log tells: DEBUG, INFO, WARNING or ERROR."),
    N_("Language of the texts on cards: ru, en, or auto (the system's; Russian when the prompts are)."),
    N_("The store: pictures directly in it and in its folder original/, where new ones go."),
    N_("How many stored pictures a rotation leaves."),
    N_("Above this many stored pictures the oldest are deleted until image_amount_min remain."),
    N_("Minutes that must pass since `auto` last asked a provider before it asks one again. 0: always."),
    N_("When providers are asked about waiting jobs."),
    N_("When the stored pictures are counted and rotated."),
    N_("Width of the frame's panel in pixels."),
    N_("Height of the frame's panel in pixels."),
    N_("What pictures are made for: tft-320x480-565, tft-128x160-565, or jpeg-8bit for tablets and browsers."),
    N_("How much is done for a picture: fast on weak machines, panel, or best (made anew in the background)."),
    N_(
        "A picture of other proportions is cropped to what matters (smart) or to its middle (crop), or "
        "padded with black (pad) or with itself, blurred (blur-pad)."
    ),
    N_("Up to this difference of proportions a picture is stretched instead: 0.03 is three percent."),
    N_("JPEG quality for jpeg-8bit; the others get the best that max_bytes allows."),
    N_("The largest JPEG that a frame gets, in bytes; by default what suits the panel, 120000 for 320x480."),
    N_("Seconds after which /frame.jpg shows a new picture."),
    N_("Size of the prompt library: above it the oldest prompt goes."),
    N_(
        'Hours in which `auto` asks no provider: [{time_range: {start_time: "23:00", end_time: "06:59"}, '
        "black_image_mode: true}]."
    ),
    N_("What an unmodified AiFrame's timer gets: auto as any other frame, ask always a provider's picture."),
    N_("Address to listen on; 0.0.0.0 is every IPv4 address."),
    N_("Port to listen on; 0 takes any free one."),
    N_("One more port, for HTTPS only; with certificates the first port speaks HTTPS too."),
    N_("The folder with cert.pem and key.pem; without them there is no HTTPS."),
    N_("A file that holds the password for the page on its only line; without it the password is set on the page."),
    N_("More names under which people open the page; addresses, localhost, *.local and this computer's name work."),
    N_("Addresses or networks of proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed."),
    N_("The log is written to this file too; ~ for none. By default app.log in the folder log."),
    N_("A log file larger than this is put aside and compressed."),
    N_("A log file is put aside after a day; after this many days it is deleted."),
    N_("How many jobs are worked on at once at least; there is always one more than providers have slots."),
    N_("How many unfinished jobs may wait; above it explicit requests are refused and `auto` shows the store."),
    N_("The folder where plugins are dropped."),
    N_("Codes of providers that are never used."),
    N_("Whether a frame may say what is wrong, on one of ten pictures at most; false: a night sky without words."),
    N_("The broker through which Home Assistant sees the frames, such as {host: 192.168.1.10}."),
    N_("Whether the network is told where the page is; auto: unless in a container, where nobody would hear it."),
    N_("What one picture costs; the provider's own default else."),
    N_("Pictures bought in one local day at most; 200 for a provider that costs something, none lifts it."),
    N_("Pictures bought in one local month at most."),
    N_("Money spent in one local month at most."),
    N_("Minutes that must pass since this provider was last asked before `auto` asks it again."),
    N_("Seconds for one call; the provider's own default else."),
    N_("How often it is drawn, beside the others' weights; 0: only when all others failed."),
    N_('Hours in which it is not asked: [{time_range: {start_time: "23:00", end_time: "06:59"}}].'),
    N_("What is added to every prompt for this provider, after a comma."),
    N_("Language in which this provider gets prompts that the library has in it, such as en."),
    N_("The frame's address in the network, or a list of them."),
    N_("A port of its own: whoever asks there is this frame, whatever its address."),
    N_("Width of its panel in pixels."),
    N_("Height of its panel in pixels."),
    N_("As the option panel; it brings its size with it."),
    N_("As the option render."),
    N_("As the option fit_mode."),
    N_("As the option quality."),
    N_("As the option max_bytes."),
    N_("Degrees clockwise by which pictures are turned, for a panel that hangs turned: 0, 90, 180, 270."),
    N_("Whether left and right are exchanged."),
    N_("Whether every colour becomes its opposite, for a panel that inverts."),
    N_("Above 1 the middle tones become lighter."),
    N_("Its own sleep windows instead of the server's; [] for none."),
    N_("Codes of the providers whose pictures it shows, painted or stored; store is everything in the store."),
    N_("Texts that are drawn for this frame instead of the prompt library's."),
)
