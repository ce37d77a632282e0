"""Software devices that sign as a phone would, and a film whose three signers have keys."""

import base64
import hashlib
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from access.models import User
from ledger.attachments import attach
from ledger.bundle import export_bundle
from ledger.corrections import Change
from ledger.models import Attachment
from overrides import deciding, execution, mandates, requests, sealed_keys, selectors, telling
from overrides.carrying import Asked
from overrides.deciding import Decision
from overrides.models import Key, Mandate, Override, SealedKey, Step
from overrides.policies import DEFAULT_RULES, Policy, Rule
from overrides.requests import Case
from overrides.signatures import signed_text, web_base64
from tests.budgets.films import DAY, budget_film, locked
from tests.factories import Cast, Film, acting, role

RP, ORIGIN = "localhost", "http://localhost:8000"
SIGNERS = ("amir", "lena", "bea")


@dataclass
class Device:
    """A key that never leaves it, and how it signs."""

    secret: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    origin: str = ORIGIN
    rp: str = RP
    flags: int = 5
    type: str = "webauthn.get"

    @property
    def public(self) -> str:
        point = self.secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return point.hex()

    def signs(self, digest: bytes, key: int) -> str:
        """An assertion over a digest."""
        said = {"type": self.type, "challenge": web_base64(digest), "origin": self.origin,
                "crossOrigin": False}  # fmt: skip
        client = json.dumps(said).encode()
        auth = hashlib.sha256(self.rp.encode()).digest() + bytes([self.flags])
        auth += struct.pack(">I", 0)
        signature = self.secret.sign(
            auth + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256())
        )
        return signed_text(key, client, auth, signature)


@dataclass
class Signing:
    """A film on which overrides can be signed."""

    film: Film
    devices: dict[str, Device] = field(default_factory=dict)
    place: tuple[int, int] | None = None

    def person(self, name: str) -> User:
        return self.film.cast[name]

    def rules(self, *rules: Rule, by: str = "amir", **more: object) -> Mandate:
        """Signing rules, proposed."""
        policy = Policy(rules or DEFAULT_RULES, RP, (ORIGIN,), **more)  # type: ignore[arg-type]
        with role("web"), acting(self.film, by):
            return mandates.propose_rules(
                actor=self.person(by), production=self.film.production, policy=policy
            )

    def key_of(self, name: str, device: Device | None = None) -> Mandate:
        """A key for somebody, proposed by themselves."""
        made = device or Device()
        self.devices[name] = made
        with role("web"), acting(self.film, name):
            return mandates.propose_key(
                actor=self.person(name), production=self.film.production,
                credential=base64.b64encode(name.encode()).decode(), public=made.public, rp=RP,
            )  # fmt: skip

    def confirmed(self, mandate: Mandate, *names: str) -> Mandate:
        """The mandate after these people confirmed it, signed if they must."""
        for name in names:
            with role("web"), acting(self.film, name):
                text = ""
                if selectors.is_founded(self.film.production):
                    key = self.key(name)
                    digest = mandates.confirmation_digest(mandate, key)
                    text = self.devices[name].signs(digest, key.number)
                mandate = mandates.confirm(actor=self.person(name), mandate=mandate, signature=text)
        return mandate

    def key(self, name: str) -> Key:
        """Somebody's key in force, inside an act."""
        return selectors.live_keys(self.film.production, self.person(name))[0]

    def paper(self, text: str = "signed deal") -> Attachment:
        """A document that supports a request, attached to a cost if there is a `place`."""
        with role("web"), acting(self.film, "amir"):
            return attach(
                actor=self.person("amir"), production=self.film.production, kind="permit",
                name="support.txt", data=text.encode(),
                place=self.place, target="" if self.place else "override",
            )  # fmt: skip

    def asks(self, asked: Asked, by: str = "amir", **more: object) -> Override:
        """An override asked for."""
        paper = self.paper()
        with role("web"), acting(self.film, by):
            case = Case("the storm took the set", paper, "4.2", **more)  # type: ignore[arg-type]
            return requests.request_override(
                actor=self.person(by), production=self.film.production, asked=asked, case=case
            )

    def draw(self, amount: str = "1000", **more: object) -> Override:
        """A contingency draw for the camera package, asked for by Amir."""
        lines: Sequence[tuple[str, str]] = (("8001", f"-{amount}"), ("3310", amount))
        return self.asks(Asked("contingency_draw", DAY, lines), **more)

    def signature(self, name: str, found: Override, decision: Decision, **other: object) -> str:
        """What somebody's device signs for a decision."""
        with role("web"), acting(self.film, name):
            key = self.key(name)
            digest = deciding.digest_of(found, decision, key)
        device = Device(self.devices[name].secret, **other)  # type: ignore[arg-type]
        return device.signs(digest, key.number)

    def decides(self, name: str, found: Override, step: str = "approve", **said: str) -> Step:
        """A signed decision by somebody."""
        decision = Decision(step, **said)
        text = self.signature(name, found, decision)
        with role("web"), acting(self.film, name):
            return deciding.decide(
                actor=self.person(name), found=self.again(found), decision=decision, signature=text
            )

    def again(self, found: Override) -> Override:
        """The override as it stands now, inside an act."""
        now = selectors.override(self.film.production, found.number)
        assert now is not None
        return now

    def now(self, found: Override) -> Override:
        """The override as it stands now."""
        with role("web"), acting(self.film, "amir"):
            return self.again(found)

    def works(self) -> int:
        """What the clock does."""
        with role("worker"):
            return execution.work_through(self.film.production)

    def tells(self) -> int:
        """What the worker tells of it all."""
        with role("worker"):
            return telling.tell_each(self.film.production)

    def approved(self, found: Override) -> Override:
        """Signed by the line producer and the guarantor."""
        self.decides("lena", found)
        self.decides("bea", found)
        return self.now(found)

    def executed(self, found: Override) -> Override:
        """Signed and carried out."""
        self.approved(found)
        assert self.works() == 1
        return self.now(found)


def seals(film: Film, names: Sequence[str], word: str) -> None:
    """A sealed key of each, which nothing opens: `word` stands where it would."""
    for name in names:
        with role("web"), acting(film, name):
            SealedKey.objects.create(
                production=film.production, user=film.cast[name], salt=b"", sealed=word,
                public=f"{film.cast[name].pk:064x}", **asdict(sealed_keys.TERMS),
            )  # fmt: skip


def move_clock(found: Override, column: str, seconds: float = -1) -> None:
    """Bring the end of a window to now and some seconds, behind the database's back."""
    from tests.ledger.raw_batches import query

    assert column in ("expires_at", "ratify_by")
    with role("owner"):
        query("ALTER TABLE overrides_override DISABLE TRIGGER moves")
        query(
            f"UPDATE overrides_override SET {column} = clock_timestamp()"
            " + make_interval(secs => %s) WHERE id = %s", seconds, found.pk,
        )  # fmt: skip
        query("ALTER TABLE overrides_override ENABLE TRIGGER moves")


def founded(cast: Cast, film: Film | None = None) -> Signing:
    """A film with a locked budget, signing rules, and keys for Amir, Lena and Bea."""
    made = Signing(film or budget_film(cast))
    if film is None:
        locked(made.film)
    made.confirmed(made.rules(), "lena", "bea")
    for name in SIGNERS:
        others = [other for other in SIGNERS if other != name]
        made.confirmed(made.key_of(name), *others)
    return made


def asks_to_move(
    signing: Signing, key: tuple[int, int], *, by: str = "cho", account: str = "2220",
    changes: Sequence[Change] = (), kind: str = "reclassification", node: int | None = None,
) -> Override:  # fmt: skip
    """What the head of a department asks for, with a document of their own."""
    production, person = signing.film.production, signing.person(by)
    with role("web"), acting(signing.film, by):
        paper = requests.attach_support(
            actor=person, production=production, name="note.txt", data=b"it was another's"
        )
        asked = Asked(kind, DAY, document=key, changes=changes or (Change(1, account),),
                      node=node)  # fmt: skip
        return requests.request_override(
            actor=person, production=production, asked=asked, case=Case("their crane", paper)
        )


def unpacked_books(signing: Signing, folder: Path) -> Path:
    """The film's books as a bundle, unpacked."""
    with role("owner"):
        export_bundle(production=signing.film.production, out=folder / "books.zip")
    with zipfile.ZipFile(folder / "books.zip") as packed:
        packed.extractall(folder / "books")
    return folder / "books"


def verified_offline(books: Path, *arguments: str) -> CompletedProcess[str]:
    """What the verifier inside says of them, with nothing but Python."""
    asked = [sys.executable, "-I", str(books / "verify_bundle.py"), str(books), *arguments]
    return subprocess.run(asked, capture_output=True, text=True, check=False, env={})
