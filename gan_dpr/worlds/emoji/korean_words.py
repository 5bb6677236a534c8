"""The Korean words of the emoji world: of its values, of places, and the small words between them.

They stand here and not in the table of attributes, because a Korean value has no fixed clause: a place is read part by
part, a colour has six forms and is the thing's or the background's by its neighbours, and captions for training are
never written in Korean. Of each list the first is what a Korean caption says. Blanks in a word are optional.
"""


def _split(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(word.split()) for word in words.split(",") if word.strip()))


def _colour(adjectives: str, nouns: str, things: str = "", more: str = "") -> tuple[str, ...]:
    """All forms of a colour: "빨간", "빨간색", "빨강", "빨강색", and `more` as they are.

    `things` name a colour only with "색" or its like behind them: "레몬색" is yellow, "레몬" is a lemon.
    """
    adjective, noun, thing = _split(adjectives), _split(nouns), _split(things)
    coloured = (f"{word}{end}" for word in (*adjective, *noun, *thing) for end in ("색", "색깔", "빛", "색상", "컬러"))
    return tuple(dict.fromkeys((*adjective, *coloured, *noun, *_split(more))))


# Of things and of backgrounds alike; what has no value of a colour is named as not understood.
COLOURS = {
    "red": _colour("빨간, 붉은, 새빨간, 시뻘건, 뻘건", "빨강, 레드, 진홍, 선홍, 다홍, 주홍, 크림슨, 스칼렛", "적, 루비",
                   "빨갛게, 빨개, 붉게, 불그스름한"),
    "orange": _colour("", "주황, 오렌지", "귤, 당근"),
    "yellow": _colour("노란, 샛노란, 누런", "노랑, 옐로, 옐로우, 황금", "황, 금, 레몬, 개나리", "노랗게"),
    "green": _colour("", "초록, 연두, 연초록, 진초록", "녹, 풀, 에메랄드, 올리브, 그린", "푸르른"),
    "blue": _colour("파란, 푸른, 새파란, 퍼런, 시퍼런", "파랑, 블루, 네이비, 코발트, 군청",
                    "청, 남, 하늘, 감청, 바다, 쪽",
                    "파랗게, 푸르게"),
    "purple": _colour("", "보라, 자주, 퍼플, 바이올렛, 연보라, 진보라", "라벤더, 포도", "자줏빛, 보랏빛"),
    "pink": _colour("", "분홍, 핑크, 연분홍, 진분홍", "장미, 로즈, 벚꽃", "장밋빛"),
    "gray": _colour("", "그레이, 연회, 진회", "회, 재, 잿, 은, 쥐"),
    "white": _colour("하얀, 흰, 새하얀, 허연", "하양, 화이트", "백, 우유", "하얗게, 희게"),
    "black": _colour("검은, 까만, 새까만, 시커먼", "검정, 블랙, 까망", "흑", "까맣게, 검게"),
    "brown": _colour("", "브라운", "갈, 밤, 고동"),
}  # fmt: skip

VALUES = {
    "orientation": {
        "upright": _split("똑바로 선, 똑바로, 똑바른, 바로 선, 바로 서 있는, 바르게, 반듯하게, 반듯이, 반듯한, 정방향"),
        "upside-down": _split(
            "거꾸로 선, 거꾸로, 거꾸러진, 꺼꾸로, 물구나무, 뒤집힌, 뒤집어진, 뒤집은, 뒤집어, 뒤집어서, 뒤집혀, "
            "뒤집혀진, "
            "뒤집어 놓은, 뒤집기, 뒤집, 엎어진, 엎어 놓은, 엎어져, 위아래가 바뀐, 위아래가 뒤바뀐, 위아래로, "
            "위아래가, 위아래, "
            "위아래 반전, 상하 반전, 상하로, 180도, 백팔십도, 머리로 선, 머리로 서, 머리를 아래로, 머리가 아래로, "
            "머리를 밑으로, 머리가 밑으로, 머리를 땅에 대고, 머리를 바닥에 대고, 업사이드다운, 전복된, 전복됐, 전복, "
            "다리를 위로, 다리가 위로, 발을 위로, 발이 위로, 물구나무서기"
        ),
        "sideways": _split(
            "옆으로 누운, 옆으로, 누운, 누워, 누워서, 눕힌, 눕혀, 눕혀서, 눕혀진, 눕, 드러누운, 드러누워, 쓰러진, "
            "쓰러져, "
            "넘어진, 넘어져, 모로, 가로로, 가로 방향, 자빠진, 90도, 구십도, 옆 방향"
        ),
    },
    "size": {
        "small": _split(
            "작은, 조그만, 조그마한, 조그만한, 자그마한, 자그만, 쪼그만, 쪼그마한, 쪼끄만, 쪼꼬만, 쬐그만, 쬐끄만, "
            "조막만한, "
            "작게, 조그맣게, 자그맣게, 작고, 작은데, 작으며, 꼬마, 미니, 소형, 초소형, 아담한, 쥐방울만한, 손톱만한, "
            "콩알만한, 앙증맞은, 쪼끄맣게, 쪼끄마한, 쪼그맣게, 쪼꼬맣게, 쪼만한, 쪼매난, 쬐만한"
        ),
        "medium": _split(
            "중간 크기의, 중간 크기, 중간 사이즈, 중간 정도 크기, 중간만한, 중간 정도의, 중간 정도, 보통 크기, "
            "보통 사이즈, "
            "보통만한, 적당한 크기, 적당한 사이즈, 적당히 큰, 중형, 중형 크기, 크지도 작지도 않은, 크기는 중간, "
            "크기는 보통, "
            "크기가 중간, 크기가 보통, 크기 중간, 크기 보통, 크기를 중간, 미디엄"
        ),
        "large": _split(
            "큰, 커다란, 커다랗게, 커다랗고, 거대한, 거대하게, 크게, 크고, 크며, 큰데, 큼직한, 큼직하게, 큼지막한, "
            "큼지막하게, "
            "대형, 초대형, 특대, 집채만한, 산만한, 대왕, 빅, 커다랗, 어마어마한, 웅장한, 큰 걸로, 큰 거, 큰 것, 라지"
        ),
    },
    "style": {
        "noto": _split("노토, 노토체, 구글"),
        "twemoji": _split("트위모지, 트웨모지, 트웸모지, 트위터, 트위터 이모지"),
        "fluent-flat": _split("플랫, 플랫한, 플랫하게, 평면, 평면적인, 평면적으로, 납작한, 납작하게, 2D, 투디, 이차원"),
        "fluent-3d": _split(
            "3D, 3디, 쓰리디, 삼디, 입체, 입체적인, 입체적으로, 입체감 있는, 입체감 있게, 3차원, 삼차원"
        ),
        "emojione": _split("이모지원, 이모지 원"),
    },
}  # fmt: skip

ROWS = {
    0: _split("위, 위쪽, 윗쪽, 위편, 윗편, 윗부분, 상단, 상단부, 상부, 상, 꼭대기, 맨 위, 맨 위쪽, 제일 위, 위로"),
    2: _split(
        "아래, 아래쪽, 아랫쪽, 아래편, 아랫편, 아랫부분, 하단, 하단부, 하부, 하, 밑, 밑쪽, 밑부분, 맨 아래, 맨 밑, "
        "맨 아래쪽, 제일 아래, 바닥"
    ),
}  # fmt: skip
COLUMNS = {
    0: _split("왼쪽, 왼편, 왼, 좌측, 좌, 좌편, 맨 왼쪽, 레프트"),
    2: _split("오른쪽, 오른편, 오른, 우측, 우, 우편, 맨 오른쪽"),
}
MIDDLE = _split("가운데, 한가운데, 정가운데, 중앙, 정중앙, 중심, 한복판, 중앙부, 센터, 가운데쪽")
MIDST = "중간"  # a place before these, else a size
MIDST_PLACE = _split("에, 에서, 쪽, 에다, 에다가, 위치, 부분, 지점")
ON = "위"  # "on" behind a background or its colour, else a place
PLACES = {
    (0, 0): "왼쪽 위", (0, 1): "위쪽", (0, 2): "오른쪽 위",
    (1, 0): "왼쪽", (1, 1): "가운데", (1, 2): "오른쪽",
    (2, 0): "왼쪽 아래", (2, 1): "아래쪽", (2, 2): "오른쪽 아래",
}  # fmt: skip

BACKGROUND = _split(
    "배경, 배경색, 배경색깔, 배경 색, 배경 색깔, 뒷배경, 바탕, 바탕색, 바탕 색, 벽, 벽지, 하늘, 종이, 백그라운드, "
    "바탕화면, 배경화면, 화면"
)

PARTICLES = _split(
    "은, 는, 이, 가, 을, 를, 의, 에, 에서, 에다, 에다가, 에는, 에선, 으로, 로, 으로는, 로는, 와, 과, 랑, 이랑, 하고, "
    "도, 만, 인, 인데, "
    "이고, 고, 이며, 며, 이다, 다, 입니다, 이에요, 예요, 이야, 야, 임, 께, 한테, 처럼, 로써, 로서, 이라는, 라는"
)
TOPIC = _split("은, 는, 이, 가, 을, 를, 만, 도, 으로는")  # behind the background: its colour follows
AND = _split("와, 과, 랑, 이랑, 하고")

FILLERS = _split(
    """
    그려, 그려라, 그려줘, 그려주라, 그려줄래, 그려 주세요, 그려줘요, 그려 주십시오, 그려봐, 그려 보세요, 그려봐줘,
    그릴래, 그리기, 그려달라고, 그려 주실래요, 그려줄 수 있어, 그려줄 수 있나요, 그려주실 수 있나요, 그려주실,
    수 있나요, 수 있을까요, 수 있어요, 수 있어, 수 있니, 그려주시겠어요, 그려요, 그려 볼까, 그리자, 그려내, 그린,
    그려진, 그려 놓은, 보여, 보여줘, 보여 주세요, 보여줄래, 보여줘요, 보여주라, 보여 주십시오, 보고 싶어,
    보고 싶어요, 볼래, 찾아, 찾아줘, 찾아 주세요, 찾아봐, 찾아줘요, 만들어, 만들어줘, 만들어 주세요, 만들어줄래,
    만들어봐, 해줘, 해 주세요, 주세요, 줘, 줘요, 부탁해, 부탁해요, 부탁합니다, 부탁드려요, 부탁드립니다, 원해,
    원해요, 좀, 제발, 내게, 나에게, 나한테, 저에게, 저한테, 혹시, 나는, 난, 저는, 내가, 제가, 한번, 한 번, 생성,
    생성해줘, 생성해 주세요, 출력해줘, 넣어줘, 넣어 주세요, 칠해줘, 칠해 주세요, 놓아줘, 놔줘, 두고, 둬, 놓아, 놓고,
    세워줘, 하게, 해서, 하여, 찾는, 찾기, 검색, 검색해줘, 돌려줘, 돌려, 돌려서, 배치해줘, 싶어, 싶어요,
    선, 서, 서 있는, 서있고, 서는, 서서, 서고, 서고 있는, 선 채, 선 채로, 서 있어, 섰다, 있는, 있게, 있다, 있고,
    있음, 있어, 있어요, 있는데, 있습니다, 있으며, 놓인, 놓여, 놓여 있는, 놓여진, 놓은, 놓여있고, 위치한, 위치하는,
    위치해, 위치해 있는, 자리한, 자리잡은, 배치된, 배치한, 배치해, 된, 되어, 되어 있는, 돼 있는, 되는, 한, 하는,
    하고 있는, 칠한, 칠해진, 색칠한, 색칠된, 색칠해, 물든, 물들인, 채색된, 채색한, 매달린, 매달려 있는, 돌린, 돌아간,
    돌려진, 돌려놓은, 회전한, 회전된, 회전시킨, 기울어진, 향한, 향하는, 채워진, 채운, 깔린, 깔고, 나온, 나오는,
    들어간, 보이는, 생긴, 가진, 같은, 둔, 둘러싸인, 붙은, 뜬, 떠 있는, 만든, 만들어진, 바꾼, 바뀐, 놓여서, 위에다,
    앉은, 앉아 있는,
    색, 색깔, 색상, 컬러, 빛, 톤, 크기, 사이즈, 만한, 만 한, 짜리, 정도, 위치, 방향, 앞, 앞쪽, 채, 채로, 상태, 모양,
    모습, 자세, 자리, 구석, 모서리, 코너, 귀퉁이, 끝, 부분, 지점, 영역, 쪽, 그림, 사진, 이미지, 일러스트, 장면,
    스케치, 이모지, 이모티콘, 아이콘, 스타일, 화풍, 풍, 느낌, 디자인, 그림체, 버전, 렌더링, 렌더, 형식, 방식, 체,
    단색, 단색의, 하나, 한 마리, 한 개, 한 명, 한 송이, 한 그루, 한 대, 한 채, 한 권, 한 장, 한 잔, 한 자루, 한 척,
    한 조각, 한 켤레, 1마리, 1개, 한 벌, 물체, 사물, 대상, 주제, 어떤, 어느, 이, 그, 저, 그리고,
    왕, 아주, 매우, 엄청, 엄청나게, 굉장히, 정말, 진짜, 무척, 되게, 너무, 조금, 약간, 살짝, 완전, 완전히, 훨씬, 몹시,
    꽤, 상당히, 진한, 짙은, 옅은, 연한, 밝은, 어두운, 선명한, 맨
    """
)

_NUMBERS = _split("두, 세, 네, 다섯, 여섯, 일곱, 여덟, 아홉, 열, 여러, 몇, 2, 3, 4, 5, 6, 7, 8, 9, 10")
_COUNTED = _split("마리, 개, 명, 송이, 그루, 대, 채, 권, 장, 잔, 자루, 척, 조각, 켤레, 벌, 쌍")
COUNTS = tuple(f"{number} {counted}" for number in _NUMBERS for counted in _COUNTED)

# What people call a thing, where the CLDR's name is another: "사자 얼굴" for the lion, "빨간 사과" for the apple.
EVERYDAY = {
    concept: _split(words)
    for concept, words in {
        "dragon": "용, 드래곤",
        "dog": "개, 강아지, 멍멍이, 댕댕이",
        "cow": "젖소, 암소",
        "mouse": "생쥐",
        "horse": "말",
        "lion": "사자",
        "bear": "곰",
        "panda": "판다",
        "fox": "여우",
        "wolf": "늑대",
        "rabbit": "토끼",
        "chicken": "닭",
        "duck": "오리",
        "frog": "개구리",
        "T-Rex": "티라노사우루스, 공룡",
        "crab": "게, 꽃게",
        "honeybee": "꿀벌, 벌",
        "shark": "상어",
        "unicorn": "유니콘",
        "rose": "장미, 장미꽃",
        "tulip": "튤립, 튤립꽃",
        "cherry blossom": "벚꽃",
        "palm tree": "야자수, 야자나무",
        "evergreen tree": "소나무, 전나무",
        "red apple": "사과",
        "cherries": "체리",
        "cheese wedge": "치즈",
        "birthday cake": "생일 케이크, 케이크, 생일 케익",
        "cookie": "쿠키, 과자",
        "ice cream": "아이스크림",
        "doughnut": "도넛, 도너츠, 도너스",
        "hot beverage": "커피, 커피 잔, 커피 한 잔, 뜨거운 음료, 차 한 잔, 뜨거운 차, 홍차, 녹차",
        "wine glass": "와인 잔, 와인, 포도주, 포도주 잔",
        "automobile": "자동차, 차",
        "locomotive": "증기 기관차, 기관차",
        "sailboat": "돛단배",
        "top hat": "마술사 모자, 실크해트, 신사 모자, 중절모",
        "backpack": "배낭, 가방, 책가방",
        "high-heeled shoe": "하이힐, 구두",
        "key": "열쇠, 키",
        "scissors": "가위",
        "bell": "종, 방울",
        "camera": "카메라, 사진기",
        "television": "텔레비전, 티브이, 티비, 텔레비젼",
        "laptop": "노트북, 노트북 컴퓨터",
        "alarm clock": "알람 시계, 자명종",
        "candle": "양초, 촛불, 초",
        "light bulb": "전구, 백열전구",
        "gem stone": "보석, 원석",
        "luggage": "여행 가방, 여행용 가방, 캐리어, 트렁크",
        "puzzle piece": "퍼즐 조각, 퍼즐",
        "peacock": "공작, 공작새",
        "wrapped gift": "선물, 선물 상자",
        "teddy bear": "곰 인형, 테디 베어, 테디베어",
        "basketball": "농구공, 농구",
        "castle": "성, 유럽 성",
        "sun": "태양, 해, 햇님, 해님",
        "crescent moon": "초승달, 달, 달님",
        "fire": "불, 불꽃, 모닥불",
        "robot": "로봇, 로보트",
        "red heart": "하트",
        "hamster": "햄스터",
        "clown face": "광대, 삐에로, 피에로, 어릿광대",
        "black bird": "까마귀",
        "bug": "애벌레, 송충이",
        "ewe": "양",
        "spiral shell": "조개껍데기, 소라",
        "flower playing cards": "화투",
        "game die": "주사위",
        "goblin": "도깨비",
        "pig face": "돼지 얼굴",
        "cow face": "소 얼굴",
        "cat face": "고양이 얼굴",
        "dog face": "강아지 얼굴, 개 얼굴",
        "mouse face": "쥐 얼굴, 생쥐 얼굴",
        "blossom": "꽃송이, 꽃",
        "closed book": "펼치지 않은 책, 책",
        "running shoe": "운동화, 신발",
        "billed cap": "야구모자, 모자",
        "water wave": "파도, 바다",
        "musical note": "음표, 음악",
        "droplet": "물방울, 물",
        "snowflake": "눈송이, 눈",
        "cloud with rain": "비구름, 비",
        "money bag": "돈주머니, 돈",
        "grinning face": "활짝 웃는 얼굴, 얼굴",
        "teacup without handle": "찻잔",
    }.items()
}
