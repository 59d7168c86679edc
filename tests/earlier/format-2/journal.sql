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
INSERT INTO "frames" VALUES('127.0.0.1','',3568912721599454933,1,3,3,3,'4 5',1795744860.55722,3);
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
INSERT INTO "jobs" VALUES('AWsI5FkAAAAAAAAAAnneoIxrveDkP0sENFSHqUZmdr8','old','127.0.0.1',1.79574485772206687925e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,2,NULL,NULL,NULL,1.79574485772206687925e+09,1.7957448578455517292e+09);
INSERT INTO "jobs" VALUES('AWsI5FkAAAAAAAAAAbpbUdYLCoFoHrIRz-9-_GWb6S8','old','127.0.0.1',1.79574485785148024556e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,1,NULL,NULL,NULL,1.79574485785148024556e+09,1.79574485785809350012e+09);
INSERT INTO "jobs" VALUES('AGsI5FkAAAAAAAAAALZPWc7JXMxeY1P9E-bGEcQWHYg','provider','127.0.0.1',1.79574485786189532278e+09,320,480,'asked for dear; dear painted','done','dear','a dear owl',NULL,1800474322,'dear',NULL,4,NULL,NULL,NULL,1.79574485791566658019e+09,1795744857.9209);
INSERT INTO "jobs" VALUES('AGsI5FkAAAAAAAAAAP0YUrM3EKbJBFzKV5mQDzpwp5g','provider','127.0.0.1',1.79574485793623924261e+09,320,480,'asked for atelier; atelier painted','done','atelier','a free owl',NULL,1134681943,'atelier',NULL,5,NULL,NULL,NULL,1.79574486043168234823e+09,1.79574486055286550523e+09);
INSERT INTO "jobs" VALUES('AWsI5FwAAAAAAAAAA7ID267WCGHV3qMRpFgd7FqmwBI','old','127.0.0.1',1.79574486055731296534e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,3,NULL,NULL,NULL,1.79574486055731296534e+09,1.7957448605869989395e+09);
CREATE TABLE notes (              -- single values that must survive a restart
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "notes" VALUES('id_secret','aebbf0c39ecdab15cb4fe40ffead43b6c85af547a22c363e333d806bc63049a6');
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
);
INSERT INTO "pictures" VALUES(1,'store','mine-0.jpg',725,1795744855391120392,1.79574485764027714724e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(2,'store','mine-1.jpg',723,1795744855391332598,1.79574485764027714724e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(3,'store','mine-2.jpg',724,1795744855391475149,1.79574485764027714724e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(4,'store','original/f1795744857-8dd170182f60.jpg',3030,1795744857915979216,1.795744857916888237e+09,'dear','AGsI5FkAAAAAAAAAALZPWc7JXMxeY1P9E-bGEcQWHYg','a dear owl',NULL,'a model',NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(5,'store','original/f1795744857-9dc0b7d50147.jpg',171650,1795744860432720806,1.79574486043384146691e+09,'atelier','AGsI5FkAAAAAAAAAAP0YUrM3EKbJBFzKV5mQDzpwp5g','a free owl',NULL,'mountains',1134681943,'{"style": "mountains"}',NULL);
CREATE INDEX jobs_unfinished ON jobs (created) WHERE state IN ('queued', 'calling', 'waiting');
CREATE INDEX jobs_created ON jobs (created);
CREATE INDEX jobs_unfetched ON jobs (created) WHERE picture IS NOT NULL AND fetched IS NULL;
CREATE UNIQUE INDEX pictures_path ON pictures (root, path);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pictures',5);
COMMIT;
PRAGMA user_version=2;
