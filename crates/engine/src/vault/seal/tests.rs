use super::*;
use proptest::prelude::*;
use uuid::Uuid;

fn key() -> Key {
    Key::random().expect("this computer has random bytes")
}

fn place(id: u128, generation: u64) -> Place {
    Place {
        integration: IntegrationId(Uuid::from_u128(id)),
        generation,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_come_back_and_only_from_their_own_place(
        plain in prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..512),
            1 => prop::collection::vec(any::<u8>(), 65_536..65_537),
        ],
        id in any::<u128>(),
        generation in 1_u64..u64::MAX,
    ) {
        let (key, here) = (key(), place(id, generation));
        let (wrapped, sealed) = seal(&key, here, &plain).expect("it seals");
        prop_assert!(open(&key, here, &wrapped, &sealed).is_some_and(|opened| *opened == plain));
        prop_assert!(open(&key, place(id ^ 1, generation), &wrapped, &sealed).is_none());
        prop_assert!(open(&key, place(id, generation - 1), &wrapped, &sealed).is_none());
        prop_assert!(open(&self::key(), here, &wrapped, &sealed).is_none());
        prop_assert!(open(&key, here, &sealed, &wrapped).is_none(), "one kind is not the other");
        let to = self::key();
        let rewrapped = rewrap(&key, &to, here, &wrapped).expect("it opens").expect("it seals");
        prop_assert!(open(&to, here, &rewrapped, &sealed).is_some_and(|opened| *opened == plain));
        prop_assert!(open(&key, here, &rewrapped, &sealed).is_none(), "the old key is of no use");
        prop_assert!(rewrap(&to, &key, here, &wrapped).is_none());
    }

    #[test]
    fn a_changed_bit_is_noticed(
        plain in prop::collection::vec(any::<u8>(), 0..64),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let (key, here) = (key(), place(1, 1));
        let (wrapped, sealed) = seal(&key, here, &plain).expect("it seals");
        let mut bad = wrapped.clone();
        bad[at.index(wrapped.len())] ^= 1 << bit;
        prop_assert!(open(&key, here, &bad, &sealed).is_none());
        let mut bad = sealed.clone();
        bad[at.index(sealed.len())] ^= 1 << bit;
        prop_assert!(open(&key, here, &wrapped, &bad).is_none());
        prop_assert!(open(&key, here, &wrapped, &sealed[..at.index(sealed.len())]).is_none());
    }
}

#[test]
fn sealing_the_same_twice_gives_other_bytes_and_hides_the_plain_text() {
    let (key, here) = (key(), place(1, 1));
    let plain = b"a token that must not be seen, long enough to be found";
    let first = seal(&key, here, plain).expect("it seals");
    let second = seal(&key, here, plain).expect("it seals");
    assert!(
        first.0 != second.0 && first.1 != second.1,
        "nonce and key are drawn anew"
    );
    assert!(
        !first
            .1
            .windows(8)
            .any(|window| plain.windows(8).any(|part| part == window))
    );
}

#[test]
fn a_derived_key_is_another_one_and_always_the_same() {
    let key = key();
    assert!(key.derive("a").bytes() == key.derive("a").bytes());
    assert!(key.derive("a").bytes() != key.derive("b").bytes());
    assert!(key.derive("a").bytes() != key.bytes());
    assert!(Key::from_bytes(&[0; KEY - 1]).is_none() && Key::from_bytes(&[0; KEY + 1]).is_none());
}
