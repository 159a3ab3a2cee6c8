//! Sorting in the order that Go's `sort.Sort` leaves equal elements in: pattern-defeating quicksort with Go's own
//! limits and its own small generator. Nothing here is random; the same input always ends the same.

/// Sorts as Go does by what is less than what.
pub(crate) fn like_go<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    let limit = usize::BITS - items.len().leading_zeros();
    let mut sorter = Sorter { items, less };
    let all = sorter.items.len();
    sorter.sort(0, all, limit);
}

const INSERTION: usize = 12;
const NINTHER: usize = 50;
const STEPS: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

struct Sorter<'i, T, L> {
    items: &'i mut [T],
    less: L,
}

impl<T, L: Fn(&T, &T) -> bool> Sorter<'_, T, L> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(&self.items[a], &self.items[b])
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.items.swap(a, b);
    }

    fn sort(&mut self, mut from: usize, mut to: usize, mut limit: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        loop {
            let length = to - from;
            if length <= INSERTION {
                return self.insert(from, to);
            }
            if limit == 0 {
                return self.heap(from, to);
            }
            if !balanced {
                self.break_patterns(from, to);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.choose(from, to);
            if hint == Hint::Decreasing {
                self.items[from..to].reverse();
                pivot = (to - 1) - (pivot - from);
                hint = Hint::Increasing;
            }
            if balanced && partitioned && hint == Hint::Increasing && self.nearly(from, to) {
                return;
            }
            if from > 0 && !self.less(from - 1, pivot) {
                from = self.split_equal(from, to, pivot);
                continue;
            }
            let (middle, already) = self.split(from, to, pivot);
            partitioned = already;
            let (left, right) = (middle - from, to - middle);
            if left < right {
                balanced = left >= length / 8;
                self.sort(from, middle, limit);
                from = middle + 1;
            } else {
                balanced = right >= length / 8;
                self.sort(middle + 1, to, limit);
                to = middle;
            }
        }
    }

    fn insert(&mut self, from: usize, to: usize) {
        for next in from + 1..to {
            let mut at = next;
            while at > from && self.less(at, at - 1) {
                self.swap(at, at - 1);
                at -= 1;
            }
        }
    }

    fn heap(&mut self, from: usize, to: usize) {
        let length = to - from;
        for root in (0..=(length - 1) / 2).rev() {
            self.sift(root, length, from);
        }
        for last in (0..length).rev() {
            self.swap(from, from + last);
            self.sift(0, last, from);
        }
    }

    fn sift(&mut self, mut root: usize, length: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= length {
                return;
            }
            if child + 1 < length && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.swap(first + root, first + child);
            root = child;
        }
    }

    /// Moves three elements about, so that no input is slow for long.
    fn break_patterns(&mut self, from: usize, to: usize) {
        let length = to - from;
        if length < 8 {
            return;
        }
        let mut state = length as u64;
        let mask = (1_u64 << (u64::BITS - state.leading_zeros())) - 1;
        let middle = from + (length / 4) * 2;
        for index in 0..3 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let mut other = (state & mask) as usize;
            if other >= length {
                other -= length;
            }
            self.swap(middle - 1 + index, from + other);
        }
    }

    fn choose(&self, from: usize, to: usize) -> (usize, Hint) {
        let length = to - from;
        let mut swaps = 0;
        let quarter = length / 4;
        let (mut i, mut j, mut k) = (from + quarter, from + quarter * 2, from + quarter * 3);
        if length >= 8 {
            if length >= NINTHER {
                i = self.median(i - 1, i, i + 1, &mut swaps);
                j = self.median(j - 1, j, j + 1, &mut swaps);
                k = self.median(k - 1, k, k + 1, &mut swaps);
            }
            j = self.median(i, j, k, &mut swaps);
        }
        let hint = match swaps {
            0 => Hint::Increasing,
            12 => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (j, hint)
    }

    fn median(&self, a: usize, b: usize, c: usize, swaps: &mut u32) -> usize {
        let mut order = |a: usize, b: usize| {
            if self.less(b, a) {
                *swaps += 1;
                (b, a)
            } else {
                (a, b)
            }
        };
        let (a, b) = order(a, b);
        let (b, _) = order(b, c);
        order(a, b).1
    }

    /// Sorts what is nearly sorted; whether it is sorted now.
    fn nearly(&mut self, from: usize, to: usize) -> bool {
        let mut at = from + 1;
        for _ in 0..STEPS {
            while at < to && !self.less(at, at - 1) {
                at += 1;
            }
            if at == to {
                return true;
            }
            if to - from < NINTHER {
                return false;
            }
            self.swap(at, at - 1);
            if at - from >= 2 {
                let mut left = at - 1;
                while left >= 1 && self.less(left, left - 1) {
                    self.swap(left, left - 1);
                    left -= 1;
                }
            }
            if to - at >= 2 {
                let mut right = at + 1;
                while right < to && self.less(right, right - 1) {
                    self.swap(right, right - 1);
                    right += 1;
                }
            }
        }
        false
    }

    /// What is less than the pivot before it; where it is then, and whether nothing had to move.
    fn split(&mut self, from: usize, to: usize, pivot: usize) -> (usize, bool) {
        self.swap(from, pivot);
        let (mut i, mut j) = (from + 1, to - 1);
        let mut already = true;
        loop {
            while i <= j && self.less(i, from) {
                i += 1;
            }
            while i <= j && !self.less(j, from) {
                j -= 1;
            }
            if i > j {
                break;
            }
            already = false;
            self.swap(i, j);
            i += 1;
            j -= 1;
        }
        self.swap(j, from);
        (j, already)
    }

    /// What equals the pivot first; where the rest begins.
    fn split_equal(&mut self, from: usize, to: usize, pivot: usize) -> usize {
        self.swap(from, pivot);
        let (mut i, mut j) = (from + 1, to - 1);
        loop {
            while i <= j && !self.less(from, i) {
                i += 1;
            }
            while i <= j && self.less(from, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.swap(i, j);
            i += 1;
            j -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::like_go;

    #[test]
    fn everything_is_sorted_whatever_the_input() {
        for length in [0_u64, 1, 12, 13, 50, 200, 1000] {
            for step in [0, 1, 7, 97] {
                let mut items: Vec<u64> = (0..length).map(|n| n * step % 31).collect();
                let mut expect = items.clone();
                expect.sort_unstable();
                like_go(&mut items, |a, b| a < b);
                assert_eq!(items, expect);
                items.reverse();
                like_go(&mut items, |a, b| a < b);
                assert_eq!(items, expect);
            }
        }
    }

    #[test]
    fn few_equal_elements_keep_their_order() {
        let mut items: Vec<(u8, u8)> = (0..12).map(|n| (n % 2, n)).collect();
        let mut expect = items.clone();
        expect.sort_by_key(|(key, _)| *key);
        like_go(&mut items, |a, b| a.0 < b.0);
        assert_eq!(items, expect);
    }

    #[test]
    fn equal_elements_end_where_the_stock_client_leaves_them() {
        let recorded = include_str!("../../tests/fixtures/sorted-events.txt");
        let lines: Vec<Vec<usize>> = recorded
            .lines()
            .map(|line| {
                line.split(' ')
                    .map(|n| n.parse().expect("a number"))
                    .collect()
            })
            .collect();
        let mut items: Vec<(usize, usize)> = lines[0].iter().copied().zip(0..).collect();
        like_go(&mut items, |a, b| a.0 < b.0);
        let places: Vec<usize> = items.into_iter().map(|(_, place)| place).collect();
        assert_eq!(places, lines[1]);
    }
}
