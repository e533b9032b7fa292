package dev.cones.sample

import android.app.Application
import android.content.Context

/** Holds what outlives activities. */
public class SampleApp : Application() {
    internal val studio: Studio by lazy { Studio(this) }
}

internal val Context.studio: Studio get() = (applicationContext as SampleApp).studio
