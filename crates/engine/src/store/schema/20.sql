-- Words are forgotten with the rows that had them: era is when a word was written last, in 64ths of places
-- in the record (store/record/text.rs). The index is read anew behind the calls: what stood in it also
-- had pieces of tasks' ids.
drop table record_words;
create table record_words (
    word text primary key not null,
    era integer not null
) strict, without rowid;
create index record_words_era on record_words (era);
update text_indexed set seq = 0;
