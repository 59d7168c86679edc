"""The words of prompts that a painter understands, in English and Russian. Plain data; `words` reads it.

Lower case, without «ё». An entry is one word, or a stem with a mark for its endings: `*` any, `+` those of a hard
adjective (красный, красная …), `~` those of a soft one (синий, синяя …).
"""

from __future__ import annotations

COLOURS = {
    "red": "red reds reddish crimson scarlet ruby vermilion красн* ал+ багр* бордов* рубинов*",
    "orange": "orange oranges amber apricot peach peachy оранжев* рыж+ рыж~ янтарн* персиков*",
    "yellow": "yellow yellows yellowish lemon желт+ лимонн*",
    "gold": "gold golden gilded ochre золот* охр*",
    "green": """green greens greenish emerald olive lime jade mint
        зелен+ зелень зелени изумруд* салатов* оливков* мятн+""",
    "turquoise": "turquoise teal aquamarine aqua cyan бирюз* аквамарин*",
    "sky": "azure голуб+ лазур* лазор* небесно",
    "blue": "blue blues bluish indigo navy sapphire cobalt син~ сине синь синев* индиго сапфир* кобальт*",
    "violet": """violet purple purples lilac lavender mauve plum
        фиолет* лилов* пурпур* сирень сирени сиренью сиренев* лаванд*""",
    "pink": "pink pinks pinkish magenta fuchsia розов* малинов* фукси*",
    "brown": "brown browns brownish chocolate coffee sepia коричн* бур+ шоколадн* кофейн* сепия сепии",
    "beige": "beige ivory cream creamy бежев* кремов* песочн*",
    "black": "black blacks ebony черн+ чернот*",
    "grey": "grey gray greyish grayish silver silvery сер+ серебр*",
    "white": "white whites whitish бел+ белоснежн* белизн*",
}
# The first that is found counts, so the narrow ones stand before the wide ones.
MOODS = {
    "sunset": "sunset sunsets dusk evening evenings twilight закат* вечер* сумер*",
    "dawn": "dawn dawns sunrise sunrises morning mornings рассвет* утро утра утром утренн* заря зари зарю зарей",
    "night": """night nights midnight starry star stars moon moonlit moonlight cosmos cosmic galaxy galaxies
        ночь ночи ночью ночей ночами ночн* полноч* звезд* луна луны луне луну луной лунн* космо* космич* галактик*""",
    "autumn": """autumn autumnal fall september october november
        осен* листопад* сентябр* октябр* ноябр*""",
    "winter": """winter winters wintry snow snowy ice icy frost frosty
        зим* снег* снеж* лед льды льдом льда ледян* мороз* иней инее инеем""",
    "spring": "spring springtime blossom blossoms blossoming весн* весен*",
    "summer": "summer summers sunny tropics tropical лето лета летом летн* солнечн* тропи*",
    "fire": """fire fires fiery flame flames lava volcano volcanoes
        огонь огня огне огнем огни огней огненн* плам* лава лавы лавой вулкан* костр* костер""",
    "desert": "desert deserts dune dunes sand sands savanna savannah пустын* дюн* песк* песок бархан* саванн*",
    "storm": """storm storms stormy rain rainy fog foggy cloud clouds cloudy
        гроза грозы грозу грозой грозов* буря бури буре бурю бурей шторм* дожд* туман* туч* облак*""",
    "sea": """sea seas seaside ocean oceans underwater beach beaches lagoon fish
        море моря морю морем морей морями морск* океан* пляж* лагун* подводн* рыб*""",
    "forest": """forest forests wood woods woodland tree trees jungle jungles moss pine pines
        лес леса лесу лесом лесов лесами лесах лесн* дерев* джунгл* мох сосн* ель ели елей елка елки тайг*""",
}
DARK = "dark darkness black gloomy space темн* мрак* мрачн* черн+"
BRIGHT = "light bright white pale pastel светл* ярк* бел+ бледн* пастельн* нежн*"

# Styles for a prompt that has a mood and names nothing to show.
SUITING = {
    "sunset": ("mountains", "sea", "forest"),
    "dawn": ("mountains", "sea", "forest", "botanical"),
    "night": ("mountains", "sea", "attractor"),
    "autumn": ("forest", "brush", "glass", "watercolour"),
    "winter": ("forest", "mountains"),
    "spring": ("botanical", "watercolour", "brush"),
    "summer": ("sea", "botanical", "brush"),
    "fire": ("brush", "marble", "flow"),
    "storm": ("sea", "brush", "forest"),
}

STYLES = {
    "mountains": """mountain mountains mountainous hill hills peak peaks alps starry star stars moon moonlit
        гора горы горе гору горой горам горами горах горн* холм* вершин* альп*
        звезд* луна луны луне луну луной лунн*""",
    "sea": """sea seas seaside ocean oceans beach beaches coast coasts shore shores sail sails sailing sailboat
        море моря морю морем морей морями морск* океан* пляж* берег* парус* побережь*""",
    "forest": """forest forests wood woods woodland tree trees pine pines fir firs fog foggy mist misty
        лес леса лесу лесом лесов лесами лесах лесн* дерев* сосн* ель ели елей елка елки тайг* туман*""",
    "botanical": """flower flowers floral blossom blossoms meadow meadows garden gardens bouquet bouquets rose roses
        tulip tulips poppy poppies daisy daisies plant plants leaf leaves herb herbs grass
        цветы цветок цветка цветку цветком цветке цветов цветам цветами цветах цветочн* цветущ* цветочек
        луг* сад сада саду сады садом садов* букет* роза розы розу розой розами тюльпан* мак маки маков маками
        ромашк* растени* лист листья листьев листьями трав*""",
    "glass": """stained glass cathedral cathedrals church churches mosaic mosaics crystal crystals
        витраж* стекл* собор* церк* мозаик* мозаичн* кристалл*""",
    "truchet": "truchet tile tiles tiled pipe pipes knot knots плитк* изразц* кафел* узел узл* труб*",
    "bauhaus": """bauhaus geometry geometric geometrical mondrian abstract city cities house houses architecture
        баухаус* геометр* мондриан* абстракт* абстракц* город* дом дома домик домики домов архитект* супремат*""",
    "circles": """circle circles bubble bubbles ball balls balloon balloons planet planets pebble pebbles stone stones
        dot dots drop drops круг* пузыр* шар шары шарик* шаров шарами планет* камн* камешк* галька капл* капель""",
    "marble": "marble marbled marbling agate smoke smoky liquid мрамор* агат* дым* жидк*",
    "watercolour": """watercolour watercolours watercolor watercolors aquarelle blot blots paint painted
        акварел* клякс* краски красками красок""",
    "papercut": """papercut paper origami layer layers canyon canyons cave caves wave waves desert deserts dune dunes
        бумаг* бумажн* оригами слой слои слоев слоями каньон* пещер* волна волны волне волну волной волн волнами
        пустын* дюн*""",
    "coral": """coral corals reef reefs zebra zebras leopard leopards labyrinth labyrinths brain cell cells
        коралл* риф* зебр* леопард* лабиринт* клетк*""",
    "attractor": """galaxy galaxies galactic nebula nebulae cosmos cosmic space chaos silk dream dreams magic
        галактик* туманност* космо* космич* хаос* шелк* мечт* волшеб* магия магии магич*""",
    "flow": """wind windy river rivers stream streams current currents flow flows flowing ribbon ribbons hair
        ветер ветр* река реки реке реку рекой ручь* ручей поток* теч* лент* волос*""",
    "brush": """oil impasto brush brushstroke brushstrokes gogh impressionism impressionist field fields wheat
        масло маслом маслян* кист* мазк* гог гога импрессион* поле поля полей пшениц* пшеничн*""",
    "woven": """weave weaves weaving woven cloth fabric carpet carpets wool tartan linen
        ткань ткани тканью тканн* плетен* ковер ковр* шерст* полотн* лен льнян*""",
}
