-- Forget the documents that clients keep in the shard (put_ows_cache): they were made from what is about to change.
delete from ows_cache;
