//! What a store that only watches or fails passes on to the one behind it.

/// The methods of `Store` that read, imports but the writing of them, and the index, as
/// the member `$inner` has them.
macro_rules! delegated_to {
    ($inner:ident) => {
        fn entry(&self, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
            self.$inner.entry(seq)
        }

        fn entries(&self, range: Range<u64>) -> Rows<'_, Seq> {
            self.$inner.entries(range)
        }

        fn entries_rev(&self, range: Range<u64>) -> Rows<'_, Seq> {
            self.$inner.entries_rev(range)
        }

        fn last_seq(&self) -> Result<Option<Seq>, StoreError> {
            self.$inner.last_seq()
        }

        fn seq_of(&self, hash: &Hash) -> Result<Option<Seq>, StoreError> {
            self.$inner.seq_of(hash)
        }

        fn epoch(&self, number: EpochNumber) -> Result<Option<Vec<u8>>, StoreError> {
            self.$inner.epoch(number)
        }

        fn epochs(&self, from: EpochNumber) -> Rows<'_, EpochNumber> {
            self.$inner.epochs(from)
        }

        fn last_epoch(&self) -> Result<Option<EpochNumber>, StoreError> {
            self.$inner.last_epoch()
        }

        fn epoch_of(&self, seq: Seq) -> Result<Option<EpochNumber>, StoreError> {
            self.$inner.epoch_of(seq)
        }

        fn tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
            self.$inner.tiles(keys)
        }

        fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
            self.$inner.meta(key)
        }

        fn note(&self, hour: u64, key: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
            self.$inner.note(hour, key)
        }

        fn imported(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.$inner.imported(key)
        }

        fn imported_rows(&self, range: Range<Vec<u8>>, order: ReadOrder) -> Rows<'_, Vec<u8>> {
            self.$inner.imported_rows(range, order)
        }

        fn index(&self, postings: &[Posting], indexed_to: u64) -> Result<(), StoreError> {
            self.$inner.index(postings, indexed_to)
        }

        fn indexed_to(&self) -> Result<u64, StoreError> {
            self.$inner.indexed_to()
        }

        fn postings(
            &self,
            term: &TermKey,
            order: ReadOrder,
        ) -> Result<Box<dyn Postings + '_>, StoreError> {
            self.$inner.postings(term, order)
        }
    };
}
