/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the files of journal.h share. */
#include "coredump/journal.h"
#include <systemd/sd-journal.h>

struct CrashJournal {
	sd_journal *journal;
	bool follow;
	bool many;	  /* may hold the journals of several machines */
	bool rest;	  /* only entries without a machine id are given */
	bool standing;	  /* on an entry, whose time is: */
	bool core_seen;	  /* some journal of the handle has cores in it */
	usec_t realtime;  /* of the entry, not of the crash */
	char *cores;	  /* systemd's folder of cores, which may prove an entry; NULL: none can */
	char *folders[4]; /* those that follow needs watches on; owned, NULL where there is none */
};

/* Fills ret from the entry that the journal stands on, identified and with its trust. 0; -EBADMSG:
 * it is unreadable or has no identity; -errno: the handle is of no use any more. */
int journal_read_entry(CrashJournal *journal, Crash *ret);
/* Whether a value of _MACHINE_ID is one: 32 hex digits. */
bool journal_is_machine(const char *value, size_t length);
/* The folders under root in which journals of this machine can be, put into ret (caller frees each,
 * the rest stay NULL). 0, -ENOMEM. */
int journal_folders(const char *root, char *ret[static 4]);
/* Whether the handle hears of new entries. sd-journal takes a refused watch for a trifle and goes
 * on deaf. 0; -ENOSPC: a watch was refused; -ENFILE: no descriptor is left, so that journals may be
 * missing from the handle (https://github.com/systemd/systemd/issues/16740). */
int journal_check_watches(const CrashJournal *journal);
int journal_check_descriptors(void);
