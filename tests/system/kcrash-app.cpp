// SPDX-License-Identifier: GPL-2.0-or-later
// A real KDE program that crashes: QCoreApplication, KAboutData and KCrash as any KDE application has
// them. For the booted containers and for whoever wants to see what KCrash writes:
//
//   g++ -fPIC -o kcrash-app kcrash-app.cpp $(pkg-config --cflags --libs Qt5Gui) \
//       -I/usr/include/KF5/KCrash -I/usr/include/KF5/KCoreAddons -lKF5Crash -lKF5CoreAddons
//
// usage: kcrash-app [segv|abrt|fpe]       (default: segv)
//
// KCRASH_DUMP_ONLY=1 leaves the crash to systemd-coredump. KCrash writes its metadata only where
// /proc/sys/kernel/core_pattern names systemd-coredump when the program starts, and where it finds
// drkonqi-coredump-processor in LIBEXEC_PATH or its libexec folder; KCRASH_NO_METADATA forbids it.
#include <KAboutData>
#include <KCrash>
#include <QGuiApplication>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "segv";

	if (!getenv("QT_QPA_PLATFORM"))
		setenv("QT_QPA_PLATFORM", "offscreen", 1);
	QGuiApplication app(argc, argv);
	KAboutData::setApplicationData(KAboutData(QStringLiteral("kcrash-app"),
		QStringLiteral("Crash; of \"Vigil's\" tests"), QStringLiteral("1.2.3"),
		QStringLiteral("Crashes"), KAboutLicense::GPL_V2));
	KCrash::initialize();

	std::printf("%lld\n", static_cast<long long>(QCoreApplication::applicationPid()));
	std::fflush(stdout);
	if (std::strcmp(how, "abrt") == 0)
		std::abort();
	std::raise(std::strcmp(how, "fpe") == 0 ? SIGFPE : SIGSEGV);
	return 0;
}
