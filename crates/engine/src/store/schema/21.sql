-- Words are parted here, not by FTS5 (store/record/text.rs): what it took for two could not be looked for as
-- one. The index is read anew behind the calls.
drop table record_text;
create virtual table record_text using fts5
    (body, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
delete from record_words;
update text_indexed set seq = 0;
