/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Traces written by hand: as JSON with ' for ", as a struct, as JSON again. */
#include "coredump/trace.h"
#include <string.h>

/* Everything that a trace may say. */
#define TRACE_SAMPLE                                                                               \
	"{'version':1,'machine':'x86_64','bits':64,'signal':11,'code':1,'faultAddress':'0x10',"    \
	"'sender':{'pid':4711,'uid':1000},'partial':'the core ends after 12 of 40 MiB',"           \
	"'threads':["                                                                              \
	" {'tid':100,'name':'main','crashed':true,'error':'no unwind information',"                \
	"  'left':{'at':2,'count':261870},'cycle':{'at':0,'length':2,'repeats':130935},"           \
	"  'frames':["                                                                             \
	"   {'pc':'0x555555555139','module':0,'offset':'0x1139','inlined':true,"                   \
	"    'function':'ns::f<int>(int)','symbol':'_ZN2ns1fIiEEii','file':'/src/a.cc','line':7,"  \
	"    'column':3},"                                                                         \
	"   {'pc':'0x555555555139','module':0,'offset':'0x1139','function':'main',"                \
	"    'symbol':'main'},"                                                                    \
	"   {'pc':'0x7ffff7de1234','module':1,'offset':'0x2a233','signal':true},"                  \
	"   {'pc':'0xffffffffffffffff'}]},"                                                        \
	" {'tid':101,'complete':true,'frames':[]}],"                                               \
	"'modules':["                                                                              \
	" {'path':'/usr/bin/a','buildId':'00ff','start':'0x555555554000','end':'0x555555558000',"  \
	"  'bias':'0x555555554000','executable':true,'state':'present','symbols':'debug',"         \
	"  'debugFile':'/usr/lib/debug/.build-id/00/ff.debug','package':'a','version':'1.0-1'},"   \
	" {'path':'/usr/lib/libc.so.6','start':'0x7ffff7dc0000','end':'0x7ffff7f00000',"           \
	"  'bias':'0x7ffff7dc0000','state':'replaced','symbols':'none'}],"                         \
	"'threadsLeft':3,'registers':{'rip':'0x555555555139','rsp':'0x7fffffffe000'},"             \
	"'stats':{'coreBytes':4096,'readBytes':1024,'writtenBytes':512,'usec':50000}}"

static inline json_t *sample_json(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *root = json_loads(copy, 0, NULL);
	free(copy);
	return root;
}
