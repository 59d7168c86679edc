BEGIN TRANSACTION;
CREATE TABLE frames (             -- where each frame stands in its lap through the stored pictures
    frame TEXT NOT NULL,
    scope TEXT NOT NULL,          -- '' for everything stored, else one provider's folder
    seed INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    position INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    ahead TEXT NOT NULL,          -- newer pictures it has seen already: ids with spaces between them
    last_seen REAL NOT NULL, shown INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (frame, scope)
) WITHOUT ROWID;
INSERT INTO "frames" VALUES('127.0.0.1','',3812898219125789729,1,3,3,3,'4 5',1.79574486795407843586e+09,2);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    frame TEXT NOT NULL,
    created REAL NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    why TEXT NOT NULL,
    state TEXT NOT NULL,
    candidates TEXT NOT NULL,     -- codes with spaces between them
    prompt TEXT NOT NULL,
    negative TEXT,
    seed INTEGER NOT NULL,
    provider TEXT,
    ticket TEXT,
    picture INTEGER,
    card TEXT,
    error TEXT,
    message TEXT,
    settled REAL,
    fetched REAL
);
INSERT INTO "jobs" VALUES('AWsI5GEAAAAAAAAAAxcDMHbBO2YBpe6z6kKQFGM23-8','old','127.0.0.1',1.79574486536386609082e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,3,NULL,NULL,NULL,1.79574486536386609082e+09,1.79574486550402665136e+09);
INSERT INTO "jobs" VALUES('AWsI5GEAAAAAAAAAAZIPxFW8MauB7KfUv4KQAyWwvvQ','old','127.0.0.1',1.79574486550568723679e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,1,NULL,NULL,NULL,1.79574486550568723679e+09,1.79574486552700567252e+09);
INSERT INTO "jobs" VALUES('AGsI5GEAAAAAAAAAADDYnbW8sc3VDcupZqbZHtDGvas','provider','127.0.0.1',1.79574486553069210051e+09,320,480,'asked for dear; dear painted','done','dear','a dear owl',NULL,1457161538,'dear',NULL,4,NULL,NULL,NULL,1.79574486553904032705e+09,1.7957448655662958622e+09);
INSERT INTO "jobs" VALUES('AGsI5GEAAAAAAAAAAI5ToIFy_optGMiddpEcpU8Rcts','provider','127.0.0.1',1.79574486558347630503e+09,320,480,'asked for atelier; atelier painted','done','atelier','a free owl',NULL,1952571440,'atelier',NULL,5,NULL,NULL,NULL,1.7957448678357186317e+09,1.79574486794395422935e+09);
INSERT INTO "jobs" VALUES('AWsI5GMAAAAAAAAAAsXBV8XWixTIDdp3UMJzn-tg4Ic','old','127.0.0.1',1.79574486795418310162e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,2,NULL,NULL,NULL,1.79574486795418310162e+09,1.79574486796356320378e+09);
CREATE TABLE notes (              -- single values that must survive a restart
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "notes" VALUES('asked:atelier','1795744865.6092536');
INSERT INTO "notes" VALUES('asked:dear','1795744865.5326486');
INSERT INTO "notes" VALUES('id_secret','a6a99999069367e1ed4ef6c308390ec8f98cf9d30ffaa3cf58de77f3f340342d');
INSERT INTO "notes" VALUES('starter_set','0');
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: ids on the wire carry it
    root TEXT NOT NULL,           -- 'store', or the code of the provider whose folder it lies in
    path TEXT NOT NULL,           -- below the root
    size INTEGER NOT NULL,        -- bytes
    mtime_ns INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    provider TEXT,                -- who made it; NULL: the owner put it there
    job TEXT,
    prompt TEXT,
    negative TEXT,
    model TEXT,
    seed INTEGER,
    details TEXT NOT NULL DEFAULT '{}',
    broken TEXT                   -- why it cannot be shown; cleared when the file changes
, sha256 TEXT);
INSERT INTO "pictures" VALUES(1,'store','mine-0.jpg',725,1795744861373573709,1.79574486529131150248e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL);
INSERT INTO "pictures" VALUES(2,'store','mine-1.jpg',723,1795744861373787107,1.79574486529131150248e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL);
INSERT INTO "pictures" VALUES(3,'store','mine-2.jpg',724,1795744861373923539,1.79574486529131150248e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL);
INSERT INTO "pictures" VALUES(4,'store','original/f1795744865-d6e70c864793.jpg',3030,1795744865539894257,1.79574486555593299864e+09,'dear','AGsI5GEAAAAAAAAAADDYnbW8sc3VDcupZqbZHtDGvas','a dear owl',NULL,'a model',NULL,'{}',NULL,'670f0d1193a80477aa3aa9759f377f3a2bc9111774e3d4a467e5ab9db66eb8cf');
INSERT INTO "pictures" VALUES(5,'store','original/f1795744865-b22ae0f8124d.jpg',294317,1795744867836812277,1.79574486783897590636e+09,'atelier','AGsI5GEAAAAAAAAAAI5ToIFy_optGMiddpEcpU8Rcts','a free owl',NULL,'marble',1952571440,'{"style": "marble"}',NULL,'4386d217898b30498f56dddd5ac0c55e857f1353a074b24a52f465ac4c223969');
CREATE TABLE spending (           -- one row for each picture that was bought, or may have been
    id INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    provider TEXT NOT NULL,
    day TEXT NOT NULL,            -- the owner's local day
    at REAL NOT NULL,
    price TEXT NOT NULL,          -- a decimal number
    state TEXT NOT NULL           -- 'reserved' while the call is under way, then 'spent'
);
INSERT INTO "spending" VALUES(1,'AGsI5GEAAAAAAAAAADDYnbW8sc3VDcupZqbZHtDGvas','dear','2026-11-27',1.79574486553263258929e+09,'2.5','spent');
CREATE INDEX jobs_unfinished ON jobs (created) WHERE state IN ('queued', 'calling', 'waiting');
CREATE INDEX jobs_created ON jobs (created);
CREATE INDEX jobs_unfetched ON jobs (created) WHERE picture IS NOT NULL AND fetched IS NULL;
CREATE UNIQUE INDEX pictures_path ON pictures (root, path);
CREATE INDEX spending_days ON spending (provider, day, price);
CREATE UNIQUE INDEX spending_reserved ON spending (job) WHERE state = 'reserved';
CREATE INDEX spending_newest ON spending (at);
CREATE INDEX pictures_sha256 ON pictures (sha256) WHERE sha256 IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pictures',5);
COMMIT;
PRAGMA user_version=3;
