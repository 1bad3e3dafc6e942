-- The record is removed up to any of its rows, also between a call's intent and its outcome: that stands
-- alone then until it goes, too. So it names its intent without a foreign key, which is taken out of the
-- schema's text as sqlite.org/lang_altertable.html (section 8) says: no row is written anew.
drop trigger outcomes_no_delete;
create trigger outcomes_no_delete before delete on outcomes
    when old.seq > (select coalesce(max(last_seq), 0) from tombstones)
begin select raise(abort, 'the record is append-only'); end;
pragma writable_schema = on;
update sqlite_schema set sql = replace(sql, ' references "calls" (seq)', '')
    where type = 'table' and name = 'outcomes';
pragma writable_schema = reset;
