from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.case import merkle

CT_ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""Entries and results of the reference implementation of Certificate Transparency."""
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
CT_PATHS = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CT_CONSISTENCY = {
    (1, 1): (),
    (1, 8): CT_PATHS[0, 8],
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}

MOST = 40
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(MOST)]


def defined_root(entries: list[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 6962, section 2.1, defines it, over entries."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    split = max(power for power in (1 << bit for bit in range(32)) if power < len(entries))
    left, right = defined_root(entries[:split]), defined_root(entries[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def test_reference_vectors() -> None:
    leaves = [merkle.leaf_hash(entry) for entry in CT_ENTRIES]
    for size in range(1, 9):
        assert merkle.root(leaves[:size]).hex() == CT_ROOTS[size - 1]
    for (index, size), path in CT_PATHS.items():
        assert [node.hex() for node in merkle.inclusion_proof(leaves[:size], index)] == list(path)
    for (old, size), path in CT_CONSISTENCY.items():
        assert [node.hex() for node in merkle.consistency_proof(leaves[:size], old)] == list(path)


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_roots_are_those_of_the_definition(entries: list[bytes]) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    growing = merkle.CompactRange()
    assert growing.root() == merkle.EMPTY_ROOT
    for size, leaf in enumerate(leaves, start=1):
        growing.append(leaf)
        assert growing.size == size
        assert growing.root() == merkle.root(leaves[:size])
    assert growing.root() == defined_root(entries)


def test_every_inclusion_proof_verifies_and_for_its_own_place_only() -> None:
    for size in range(1, MOST + 1):
        tree_root = merkle.root(LEAVES[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(LEAVES[:size], index)
            assert merkle.verify_inclusion(LEAVES[index], index, size, proof, tree_root)
            for other in {index - 1, index + 1, 0, size - 1, size} - {index}:
                assert not merkle.verify_inclusion(LEAVES[index], other, size, proof, tree_root)
            assert not merkle.verify_inclusion(
                LEAVES[index], index, size, [*proof, b"x"], tree_root
            )
            if proof:
                assert not merkle.verify_inclusion(
                    LEAVES[index], index, size, proof[:-1], tree_root
                )


def test_every_consistency_proof_verifies_and_for_its_own_sizes_only() -> None:
    roots = [merkle.root(LEAVES[:size]) for size in range(MOST + 1)]
    for size in range(MOST + 1):
        for old in range(size + 1):
            proof = merkle.consistency_proof(LEAVES[:size], old)
            assert merkle.verify_consistency(old, size, roots[old], roots[size], proof)
            fits_any_root = old == 0 < size
            assert fits_any_root == merkle.verify_consistency(
                old, size, roots[old], b"x" * 32, proof
            )
            assert not merkle.verify_consistency(old, size, b"x" * 32, roots[size], proof)
            assert not merkle.verify_consistency(
                old, size, roots[old], roots[size], [*proof, b"x" * 32]
            )
            if proof:
                assert not merkle.verify_consistency(old, size, roots[old], roots[size], proof[1:])
            for other in {old - 1, old + 1} & set(range(1, size + 1)):
                assert not merkle.verify_consistency(other, size, roots[old], roots[size], proof)


@given(st.integers(2, MOST), st.data())
def test_a_proof_with_a_flipped_bit_fails(size: int, data: st.DataObject) -> None:
    leaves = LEAVES[:size]
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(leaves, index)
    broken = flipped(proof, data)
    assert not merkle.verify_inclusion(leaves[index], index, size, broken, merkle.root(leaves))
    old = data.draw(st.integers(1, size - 1))
    proof = merkle.consistency_proof(leaves, old)
    roots = merkle.root(leaves[:old]), merkle.root(leaves)
    assert not merkle.verify_consistency(old, size, *roots, flipped(proof, data))


def flipped(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    node = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    number = int.from_bytes(proof[node], "big") ^ (1 << bit)
    return [*proof[:node], number.to_bytes(32, "big"), *proof[node + 1 :]]


def test_proofs_outside_the_tree_are_refused() -> None:
    with pytest.raises(IndexError):
        merkle.inclusion_proof(LEAVES[:3], 3)
    with pytest.raises(IndexError):
        merkle.consistency_proof(LEAVES[:3], 4)
    assert not merkle.verify_consistency(4, 3, LEAVES[0], LEAVES[1], [])
